"""`harness data`: what is needed, what is here, and whether it is what was published."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.sources import inventory
from harness.tasks import all_tasks


def _rows(done: Any, key: str) -> list[dict[str, Any]]:
    return list(done.json()[key])


def _write_mr_tydi(root: Path, *, corpus: bool = True) -> Path:
    """Swahili in the official layout, with one topic."""
    folder = root / "mrtydi-v1.1-swahili"
    (folder / "collection").mkdir(parents=True)
    if corpus:
        rows = [{"id": f"{i}#0", "contents": f"Kichwa\n\nMaandishi {i}"} for i in range(3)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "collection" / "docs.jsonl").write_text(text, "utf-8")
    (folder / "topic.test.tsv").write_text("7\tSwali?\n", "utf-8")
    (folder / "qrels.test.txt").write_text("7\tQ0\t1#0\t1\n", "utf-8")
    return root


def test_every_task_is_listed_at_once(cli: Callable[..., Any]) -> None:
    """Without patterns: one row for each task that is published somewhere, and nothing heavy or far away is needed."""
    done = cli("data")
    assert done.code == 0
    published = [task.name for task in all_tasks() if task.name != "low-resource"]
    rows = [line.split() for line in done.out.splitlines() if line.strip().split(" ")[0] in published]
    assert [row[0] for row in rows] == published
    assert {row[1] for row in rows} == {"0"}
    assert f"0 of {sum(len(t.subsets) for t in all_tasks() if t.name in published)} subsets are complete" in done.out


def test_listing_imports_nothing_heavy() -> None:
    """No mteb, datasets, pyarrow or pandas for a list."""
    script = (
        "import sys\nfrom harness.cli.main import main\ncode = main(['data', '--json'])\n"
        "print(sorted({'mteb', 'datasets', 'pandas', 'torch', 'pyarrow', 'httpx', 'requests'} & set(sys.modules)))\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_parts_of_a_subset(cli: Callable[..., Any]) -> None:
    """Every part with its official name, all places it is published at, the licence, and that it is missing."""
    done = cli("data", "mr-tydi/sw", "--json")
    rows = _rows(done, "items")
    assert [(row["part"], row["found"], row["size"]) for row in rows] == [
        ("corpus", [], None), ("queries", [], None), ("qrels", [], None)
    ]  # fmt: skip
    assert {row["licence"] for row in rows} == {"Apache-2.0 (topics and qrels), CC BY-SA 3.0 (Wikipedia passages)"}
    assert all(origin.startswith(("castorini/", "https://")) for row in rows for origin in row["origins"])
    shown = cli("data", "mr-tydi/sw").out
    assert "missing" in shown
    assert "Apache-2.0" in shown
    assert "0 of 1 subsets are complete here." in shown


def test_a_gated_place_says_so(cli: Callable[..., Any], tmp_path: Path) -> None:
    """Who needs a token learns of it before fetching."""
    (tmp_path / "empty").mkdir()
    rows = _rows(cli("data", "miracl/sw", "--source", tmp_path / "empty", "--json"), "items")
    assert any(origin.endswith("(gated)") for row in rows for origin in row["origins"])


def test_a_folder_is_listed(cli: Callable[..., Any], tmp_path: Path) -> None:
    """What was found where, with its size, and what is missing."""
    root = _write_mr_tydi(tmp_path / "data", corpus=False)
    rows = _rows(cli("data", "list", "mr-tydi/sw", "--source", root, "--json"), "items")
    assert [(row["part"], bool(row["found"])) for row in rows] == [
        ("corpus", False), ("queries", True), ("qrels", True)
    ]  # fmt: skip
    assert rows[1]["size"] == len("7\tSwali?\n")
    assert Path(rows[1]["found"][0]) == root / "mrtydi-v1.1-swahili" / "topic.test.tsv"
    shown = cli("data", "mr-tydi/sw", "--source", root).out
    assert "mrtydi-v1.1-swahili/topic.test.tsv" in shown
    assert "missing" in shown


def test_sizes_count_a_file_once(cli: Callable[..., Any], tmp_path: Path) -> None:
    """A file that is all parts of a subset, and the shards of one part, are not counted again and again."""
    gold = tmp_path / "data" / "gold_passages" / "swa" / "gold_span_passages.afriqa.swa.en.test.json"
    gold.parent.mkdir(parents=True)
    gold.write_text("x" * 500, "utf-8")
    shards = tmp_path / "data" / "miracl-corpus-v1.0-sw"
    shards.mkdir()
    for number in range(3):
        (shards / f"docs-{number}.jsonl").write_text("x" * 100, "utf-8")
    lines = cli("data", "--source", tmp_path / "data").out.splitlines()
    sizes = {line.split()[0]: " ".join(line.split()[3:5]) for line in lines if line.split()[:1] and "CC BY" in line}
    assert sizes["afriqa"] == "500 B"
    assert sizes["miracl"] == "300 B"


def test_verify_compares_counts_and_content(cli: Callable[..., Any], tmp_path: Path) -> None:
    """A miniature differs from what was published, in everything that is known; exit code 1."""
    root = _write_mr_tydi(tmp_path / "data")
    done = cli("data", "verify", "--source", root, "--json")
    assert done.code == 1
    checks = {row["what"]: row for row in _rows(done, "checks")}
    assert {row["subset"] for row in checks.values()} == {"mr-tydi/sw"}, "without patterns, only what is here"
    assert {what: row["status"] for what, row in checks.items()} == dict.fromkeys(
        ["passages", "queries", "judgements", "content of queries and judgements"], "differs"
    )
    assert (checks["passages"]["expected"], checks["passages"]["found"]) == ("136,689", "3")
    table = cli("data", "verify", "--source", root).out
    assert "136,689" in table
    assert checks["content of queries and judgements"]["found"][:16] in table


def test_verify_without_a_corpus(cli: Callable[..., Any], tmp_path: Path) -> None:
    """The corpus is missing, and queries and judgements are compared all the same."""
    root = _write_mr_tydi(tmp_path / "data", corpus=False)
    done = cli("data", "verify", "mr-tydi/sw", "--source", root, "--json")
    assert done.code == 1
    assert [(row["what"], row["status"]) for row in _rows(done, "checks")] == [
        ("corpus", "missing"),
        ("queries", "differs"),
        ("judgements", "differs"),
        ("content of queries and judgements", "differs"),
    ]


def test_verify_of_what_cannot_be_read(cli: Callable[..., Any], tmp_path: Path) -> None:
    """A malformed file is a failed check with its place, and the others go on."""
    root = _write_mr_tydi(tmp_path / "data")
    qrels = root / "mrtydi-v1.1-swahili" / "qrels.test.txt"
    qrels.write_text("7\tQ0\t1#0\tmany\n", "utf-8")
    done = cli("data", "verify", "mr-tydi/*", "--source", root, "--json")
    assert done.code == 1
    failed = [row for row in _rows(done, "checks") if row["status"] == "failed"]
    assert [(row["subset"], row["found"]) for row in failed] == [
        ("mr-tydi/sw", f"{qrels}:1: grade 'many' is not an integer from -127 to 127")
    ]
    assert {row["status"] for row in _rows(done, "checks")} == {"failed", "missing"}


def test_verify_that_finds_everything_as_published(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 0 when everything that is known agrees; what is not known is no fault."""
    root = _write_mr_tydi(tmp_path / "data")
    made = cli("data", "manifest", "mr-tydi/sw", "--source", root).json()
    assert list(made) == ["mr-tydi/sw/test"]
    monkeypatch.setattr(inventory, "manifest", lambda: made)
    task = next(task for task in all_tasks() if task.name == "mr-tydi")
    monkeypatch.setitem(task.queries, ("sw", "test"), 1)  # type: ignore[arg-type]
    monkeypatch.setitem(task.passages, "sw", 3)  # type: ignore[arg-type]
    done = cli("data", "verify", "mr-tydi/sw", "--source", root, "--json")
    assert (done.code, [row["status"] for row in _rows(done, "checks")]) == (0, ["ok"] * 4)
    monkeypatch.setattr(inventory, "manifest", dict)
    done = cli("data", "verify", "mr-tydi/sw", "--source", root, "--json")
    assert (done.code, [row["status"] for row in _rows(done, "checks")]) == (0, ["ok", "ok", "unknown", "unknown"])


def test_verify_with_nothing_here(cli: Callable[..., Any], tmp_path: Path) -> None:
    """Without patterns and without files there is nothing to verify (exit code 5), and nothing is fetched for it."""
    (tmp_path / "empty").mkdir()
    assert cli("data", "verify", "--source", tmp_path / "empty").code == 5
    assert cli("data", "verify").code == 5
    done = cli("data", "verify", "ciral/en-sw", "--json")
    assert done.code == 1
    assert {row["status"] for row in _rows(done, "checks")} == {"missing"}


def test_the_official_files_are_what_the_manifest_says(cli: Callable[..., Any], shared_data: Path) -> None:
    """Topics and judgements of Mr.TyDi, MIRACL and CIRAL agree with the manifest; their corpora are missing."""
    root = shared_data / "official"
    for split in ("dev", "test"):
        done = cli("data", "verify", "mr-tydi", "--source", root, "--split", split, "--json")
        assert done.code == 1
        checks = _rows(done, "checks")
        assert [row["status"] for row in checks if row["what"] == "corpus"] == ["missing"] * 11
        others = [row for row in checks if row["what"] != "corpus"]
        assert len(others) == 33
        assert {row["status"] for row in others} == {"ok"}
    checks = _rows(cli("data", "verify", "--source", root, "--json"), "checks")
    assert {row["subset"].partition("/")[0] for row in checks} >= {"mr-tydi", "miracl", "ciral"}
    assert {row["status"] for row in checks if row["what"].startswith("content")} == {"ok"}
    assert {row["status"] for row in checks} <= {"ok", "missing", "unknown"}


def test_the_manifest_is_made_from_the_official_files(
    cli: Callable[..., Any], shared_data: Path, repository: Path
) -> None:
    """`harness data manifest` prints the committed file, to the byte."""
    done = cli("data", "manifest", "--source", shared_data / "official")
    assert done.code == 0
    assert done.out == (repository / "harness/sources/official/manifest.json").read_text("utf-8")


def test_a_source_that_has_nothing_to_fetch(cli: Callable[..., Any], tmp_path: Path) -> None:
    """A folder is not fetched into, and the pocket collection is in the package."""
    done = cli("data", "fetch", "mr-tydi/sw", "--source", tmp_path)
    assert (done.code, "there is nothing to fetch" in done.err) == (4, True)
    done = cli("data", "--source", "pocket")
    assert (done.code, "part of the package" in done.err) == (4, True)
    done = cli("data", "fetch")
    assert (done.code, "Missing argument" in done.err) == (4, True)


def test_unknown_names_are_refused(cli: Callable[..., Any]) -> None:
    """With what was meant."""
    done = cli("data", "mr-tydy")
    assert (done.code, "mr-tydi" in done.err) == (4, True)
    done = cli("data", "verify", "mr-tydi/sw", "--split", "tset")
    assert (done.code, "test" in done.err) == (4, True)


@pytest.mark.parametrize(("verb", "module"), [("fetch", "huggingface_hub"), ("run", "mteb")])
def test_without_the_extra(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, verb: str, module: str) -> None:
    """Without the client libraries lists work, and what needs them says how to get them, once."""
    monkeypatch.setitem(sys.modules, module, None)
    assert cli("data", "mr-tydi/sw").code == 0
    if verb == "fetch":
        done = cli("data", "fetch", "mr-tydi")
    else:
        done = cli("run", "--encoder", "hashing", "--source", "hub", "--tasks", "neuclir-2022-monolingual/fa")
    assert done.code == 4
    assert done.err.count('pip install "lamir-harness[hub]"') == 1
    assert "Traceback" not in done.err


def test_an_archive_is_listed_from_within(cli: Callable[..., Any], tmp_path: Path) -> None:
    """Files in an archive are found, and verified, without unpacking it."""
    root = _write_mr_tydi(tmp_path / "unpacked")
    (tmp_path / "data").mkdir()
    shutil.make_archive(str(tmp_path / "data" / "mrtydi-v1.1-swahili"), "gztar", root, "mrtydi-v1.1-swahili")
    rows = _rows(cli("data", "mr-tydi/sw", "--source", tmp_path / "data", "--json"), "items")
    assert all(".tar.gz!mrtydi-v1.1-swahili/" in row["found"][0] for row in rows)
    done = cli("data", "verify", "--source", tmp_path / "data", "--json")
    assert {row["status"] for row in _rows(done, "checks")} == {"differs"}
