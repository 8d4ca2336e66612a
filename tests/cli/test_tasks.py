"""`harness tasks`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.tasks import all_tasks

Cli = Callable[..., Any]


def test_list(cli: Cli) -> None:
    """Without patterns every task is one row with its family and its number of subsets."""
    done = cli("tasks")
    assert (done.code, done.err) == (0, "")
    rows = {line.split()[0]: line.split() for line in done.out.splitlines() if line.strip()}
    for declared in all_tasks():
        assert rows[declared.name][1:3] == [declared.family, str(len(declared.subsets))]


def test_one_task_in_full(cli: Cli) -> None:
    """A pattern shows measures, licence, citation, address and every subset with its counts."""
    out = cli("tasks", "miracl").out
    assert out.startswith("miracl: MIRACL v1.0\n")
    assert "ndcg@10, recall@100" in out and "TACL 2023" in out and "https://project-miracl.github.io/" in out
    assert "    miracl/sw  sw → sw, dev: 482 queries, 131,924 passages\n" in out
    assert sum("    miracl/" in line for line in out.splitlines()) == 18


def test_json(cli: Cli) -> None:
    """--json holds every declared fact of what was selected, and nothing that was not."""
    (found,) = cli("tasks", "xor-tydi/te", "--json").json()["tasks"]
    assert (found["name"], found["family"], found["split"]) == ("xor-tydi", "xor-tydi", "dev")
    assert found["metrics"] == ["r@2kt", "r@5kt"]
    assert found["subsets"] == [
        {
            "name": "te", "query_language": "te", "passage_language": "en", "split": "dev",
            "queries": 238, "passages": 18_003_200,
        }
    ]  # fmt: skip
    assert [t["name"] for t in cli("tasks", "--json").json()["tasks"]] == [t.name for t in all_tasks()]


def test_languages(cli: Cli) -> None:
    """--languages keeps the subsets whose questions are in one of them."""
    found = cli("tasks", "-l", "yo", "--json").json()["tasks"]
    assert {(t["name"], s["name"]) for t in found for s in t["subsets"]} >= {("miracl", "yo"), ("afriqa", "yo-en")}
    assert {s["query_language"] for t in found for s in t["subsets"]} == {"yo"}


def test_source(cli: Cli, tmp_path: Path, write_subset: Callable[..., Path]) -> None:
    """--source shows only what a source has text for."""
    names = [t["name"] for t in cli("tasks", "--source", "pocket", "--json").json()["tasks"]]
    assert names == ["xor-tydi", "mr-tydi", "miracl", "low-resource"]
    write_subset(tmp_path / "mine" / "sw", {"d": "x"}, {"q": "y"}, {"q": {"d": 1}}, split="dev")
    (own,) = cli("tasks", "--source", tmp_path / "mine", "--json").json()["tasks"]
    assert (own["name"], [(s["name"], s["split"]) for s in own["subsets"]]) == ("mine", [("sw", "dev")])


def test_mistakes(cli: Cli) -> None:
    """A misspelt task or language is a usage error with a suggestion; a glob that matches nothing is exit 5."""
    for arguments, code, message in [
        (("mirakl",), 4, "Did you mean 'miracl'"),
        (("-l", "yoo"), 4, "Did you mean 'yo'"),
        (("--source", "poket"), 4, "Did you mean 'pocket'?"),
        (("zz*",), 5, "no subset matches tasks zz*"),
        (("xor-tydi", "-l", "sw"), 5, "languages sw"),
    ]:
        done = cli("tasks", *arguments)
        assert (done.code, done.out) == (code, "")
        assert message in done.err
