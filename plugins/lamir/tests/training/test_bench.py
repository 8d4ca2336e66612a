"""The bench against sentence-transformers' trainer runs, and both trainers do the same work."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[4] / "bench" / "train_lamir.py"
TOY = ["--backbone", "tiny", "--rounds", "1", "--steps", "3", "--batch-size", "6", "--max-tokens", "24"]

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="no bench beside the tests")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write made-up pairs and translations where the bench looks for them."""
    rng = Random(1)

    def text(most: int) -> str:
        return " ".join("".join(rng.choices("aeiklmnorstu", k=rng.randint(3, 7))) for _ in range(rng.randint(2, most)))

    for name, lines in {
        "training/english-ir/made-up.jsonl.gz": [
            json.dumps({"query": text(4), "positive": text(30)}) for _ in range(60)
        ],
        "parallel/tatoeba/sw.tsv.gz": [f"{text(6)}\t{text(6)}" for _ in range(90)],
    }.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return tmp_path / "data"


@pytest.mark.slow
def test_both_trainers_have_the_same_losses(data: Path) -> None:
    """Without dropout, at the first step and, after the weights have moved, at the last; in processes of their own."""
    pytest.importorskip("sentence_transformers")
    pytest.importorskip("datasets")
    command = [sys.executable, str(SCRIPT), *TOY, "--data", str(data), "--cases", "plain", "--dropout", "0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    losses = re.findall(r"loss ([\d.]+) … ([\d.]+)", done.stdout)
    assert len(losses) == 2
    (first, last), (expected_first, expected_last) = [map(float, pair) for pair in losses]
    assert first == pytest.approx(expected_first, abs=2e-4)
    assert last == pytest.approx(expected_last, abs=2e-4)
    assert re.search(r"steps per second [\d.]+, .*memory [\d.]+", done.stdout)


def test_losses_are_compared_at_equal_tokens(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three losses on as many tokens as one, on twice as many, and on equal rows; here all in one process."""
    spec = importlib.util.spec_from_file_location("train_lamir", SCRIPT)
    assert spec is not None and spec.loader is not None
    bench: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    found: dict[str, list[dict[str, float]]] = {}

    def at_once(jobs: dict[str, Any], rounds: int, folder: Path) -> dict[str, list[dict[str, float]]]:
        for job in jobs.values():  # every stream has as many rows as its steps draw, in order and each once
            for stream in bench._recipe(job)["streams"].values():
                assert stream["sources"][0]["limit"] == job["steps"] * stream["batch_size"]
        found.update({name: [bench._ours(job)] for name, job in jobs.items()})
        return found

    monkeypatch.setattr(bench, "_take_turns", at_once)
    monkeypatch.setattr(sys, "argv", ["train_lamir.py", *TOY, "--data", str(data), "--cases", "losses"])
    bench.main()
    tokens = {name: rows[0]["tokens"] for name, rows in found.items()}
    alone = tokens["ir alone"]
    assert tokens["three losses, equal total"] == pytest.approx(alone, rel=0.3)
    assert tokens["three losses, as many again"] == pytest.approx(2 * alone, rel=0.3)
    printed = capsys.readouterr().out
    assert len(re.findall(r"three losses, .* / ir alone: time of a step [\d.]+", printed)) == 3
