"""`harness score`."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]

RUN = "q1 Q0 a 1 0.9 t\nq1 Q0 b 2 0.9 t\nq9 Q0 a 1 0.5 t\n"
QRELS = "q1 0 a 1\nq2 0 a 1\n"


@pytest.fixture
def given(tmp_path: Path) -> tuple[str, ...]:
    """A run with a tie, a missing and an extra query, its judgements, and the flags that name both."""
    (tmp_path / "run.txt").write_text(RUN)
    (tmp_path / "qrels.txt").write_text(QRELS)
    return ("score", "--run", "run.txt", "--task", "mr-tydi/sw", "--qrels", "qrels.txt")


def test_json(given: tuple[str, ...], cli: Cli, tmp_path: Path) -> None:
    """--json prints one object: the file by name and content, fractions, counts, and queries when asked."""
    done = cli(*given, "--run", tmp_path / "run.txt", "--json")
    assert done.code == 0
    row = {
        "task": "mr-tydi",
        "subset": "sw",
        "split": "test",
        "metrics": {"mrr@100": 0.25, "recall@100": 0.5, "ndcg@10": pytest.approx(0.6309297 / 2)},
        "counts": {"judged": 2, "scored": 2, "in_run": 2, "missing": 1, "extra": 1, "unjudged_in_top_10": 1},
    }
    expected = {
        "file": "run.txt",
        "sha256": hashlib.sha256(RUN.encode()).hexdigest(),
        "measures": ["mrr@100", "recall@100", "ndcg@10"],
        "results": [row],
        "averages": {},
    }
    assert done.json() == expected
    row["per_query"] = {
        "mrr@100": {"q1": 0.5, "q2": 0.0},
        "recall@100": {"q1": 1.0, "q2": 0.0},
        "ndcg@10": {"q1": pytest.approx(0.6309297), "q2": 0.0},
    }
    assert cli(*given, "--json", "--per-query").json() == expected


def test_table_and_warnings(given: tuple[str, ...], cli: Cli) -> None:
    """Four decimals as trec_eval prints them, with the number of queries; what does not match is said on stderr."""
    done = cli(*given)
    header, _, row = [line.split() for line in done.out.splitlines() if line.strip()]
    assert header == ["subset", "split", "mrr@100", "recall@100", "ndcg@10", "queries"]
    assert row == ["mr-tydi/sw", "test", "0.2500", "0.5000", "0.3155", "2"]
    assert done.err == (
        "harness: warning: mr-tydi/sw: queries that the run lacks, which score 0: 1 of 2 (q2)\n"
        "harness: warning: mr-tydi/sw: queries of the run that do not count: 1 of 2 (q9)\n"
    )
    printed = [line.split() for line in cli(*given, "--per-query").out.splitlines()]
    assert ["mr-tydi/sw", "q1", "0.5000", "1.0000", "0.6309"] in printed
    assert ["mr-tydi/sw", "q2", "0.0000", "0.0000", "0.0000"] in printed


def test_several_languages(cli: Cli, tmp_path: Path) -> None:
    """A row for each language and one for the average, or a warning where languages are absent."""
    languages = ("ar", "bn", "fi", "ja", "ko", "ru", "te")
    answers = [{"id": f"{x}{i}", "answers": ["Nile"], "lang": x} for x in languages for i in range(2)]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in answers))
    predictions = [{"id": f"{x}0", "lang": x, "ctxs": ["the Nile"]} for x in languages]
    flags = ("score", "--run", "run.json", "--task", "xor-tydi", "--answers", "answers.jsonl")
    (tmp_path / "run.json").write_text(json.dumps(predictions))
    done = cli(*flags)
    rows = [line.split() for line in done.out.splitlines()]
    assert all([f"xor-tydi/{x}", "dev", "0.5000", "0.5000", "2"] in rows for x in languages)
    assert ["Avg", "0.5000", "0.5000"] in rows
    assert cli(*flags, "--json").json()["averages"] == {"Avg": {"r@2kt": 0.5, "r@5kt": 0.5}}
    (tmp_path / "run.json").write_text(json.dumps([*predictions[:3], {"id": "x", "lang": "sw", "ctxs": []}]))
    done = cli(*flags)
    assert "Avg" not in done.out and "xor-tydi/te" not in done.out
    assert "languages of predictions that do not count: 1 (sw)\n" in done.err
    assert "languages without predictions or answers, so without score and average: 4 (ja, ko, ru, …)\n" in done.err


def test_a_mean_over_nothing_is_a_dash(cli: Cli, tmp_path: Path) -> None:
    """Questions without a scored answer have no mean, and it is not 0."""
    (tmp_path / "answers.jsonl").write_text('{"id": "a", "answers": ["no"], "lang": "te"}\n')
    (tmp_path / "run.json").write_text('[{"id": "a", "lang": "te", "ctxs": []}]')
    done = cli("score", "--run", "run.json", "--task", "xor-tydi/te", "--answers", "answers.jsonl")
    assert ["xor-tydi/te", "dev", "–", "–", "0"] in [line.split() for line in done.out.splitlines()]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--task", "mr-tydy/sw"), "Did you mean 'mr-tydi'"),
        (("--task", "mr-tydi"), "Name one: --task mr-tydi/ar."),
        (("--split", "tset"), "Did you mean 'test'?"),
        (("--qrels", "none.txt"), "none.txt: cannot be read"),
        (("--run", "none.txt"), "none.txt: cannot be read"),
        (("--run", "qrels.txt"), "qrels.txt:1: 4 field(s) where 6 are expected"),
        (("--qrels", "run.txt"), "run.txt:1: 6 field(s) where 4 are expected"),
        (("--source", "poket"), "Did you mean 'pocket'?"),
        (("--answers", "qrels.txt"), "--answers goes with other tasks"),
    ],
)
def test_mistakes(given: tuple[str, ...], cli: Cli, more: tuple[str, ...], message: str) -> None:
    """Wrong names, files and combinations end with code 4, a sentence, and nothing on stdout."""
    done = cli(*given, *more)
    assert (done.code, done.out) == (4, "")
    assert message in done.err


def test_run_and_task_are_required(cli: Cli) -> None:
    """Without them the usage is shown."""
    for arguments in (("score", "--task", "mr-tydi/sw"), ("score", "--run", "run.txt")):
        done = cli(*arguments)
        assert done.code == 4 and "Missing option" in done.err


def test_every_flag_has_a_variable(given: tuple[str, ...], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """One HARNESS_* variable stands for each flag; a flag on the line wins."""
    variables = {"RUN": "run.txt", "TASK": "mr-tydi/sw", "QRELS": "qrels.txt", "JSON": "1", "PER_QUERY": "1"}
    for name, value in {**variables, "SPLIT": "dev"}.items():
        monkeypatch.setenv(f"HARNESS_{name}", value)
    (row,) = cli("score").json()["results"]
    assert row["split"] == "dev" and "per_query" in row
    assert cli("score", "--split", "test").json()["results"][0]["split"] == "test"
    monkeypatch.setenv("HARNESS_SOURCE", "nowhere")
    assert "nowhere" in cli("score").err
    monkeypatch.delenv("HARNESS_SOURCE")
    monkeypatch.setenv("HARNESS_ANSWERS", "qrels.txt")
    assert "--answers goes with other tasks" in cli("score").err


def test_scoring_needs_no_encoder(given: tuple[str, ...], tmp_path: Path) -> None:
    """Neither help nor a scored run brings in what only encoders and text need."""
    heavy = {"torch", "transformers", "mteb", "datasets", "pandas", "ranx", "pyarrow", "beir"}
    for arguments, absent in ((("score", "--help"), heavy | {"numpy", "nltk", "rich"}), (given, heavy)):
        code = (
            "import sys\nfrom harness.cli.main import main\n"
            f"assert main({list(arguments)!r}) == 0\n"
            f"found = set({sorted(absent)!r}) & sys.modules.keys()\nassert not found, found"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
