"""Saved rankings: what other evaluators read is what was scored here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harness
from harness import Settings
from harness.encoders.protocols import EncoderInfo
from harness.results.store import load
from harness.results.trec import read_run

Cli = Callable[..., Any]


def test_runs_lie_beside_each_other_as_results_do(cli: Cli) -> None:
    """One TREC file for each subset, in a folder called as the result file is, with a hundred hits at most."""
    done = cli("run", "-e", "hashing", "-t", "mr-tydi", "-l", "sw,te", "--output", "out", "--save-runs", "runs")
    assert done.code == 0, done.err
    (result,) = Path("out").rglob("*.json")
    folder = Path("runs") / result.relative_to("out").with_suffix("")
    assert sorted(path.name for path in folder.iterdir()) == ["sw.trec", "te.trec"]
    run = read_run(folder / "sw.trec")
    assert len(run) == 40
    assert {len(hits) for hits in run.values()} == {40}


def test_scoring_a_saved_run_gives_the_same_scores(cli: Cli) -> None:
    """The way through the file changes no score."""
    cli("run", "-e", "hashing", "-t", "miracl/yo", "--output", "out", "--save-runs", "runs")
    (result,), (run,) = Path("out").rglob("*.json"), Path("runs").rglob("*.trec")
    done = cli("score", "--run", run, "--task", "miracl/yo", "--source", "pocket", "--json")
    assert done.code == 0, done.err
    scored = load(result).subsets["yo"].metrics
    text = json.dumps(done.json())
    for name, value in scored.items():
        assert f'"{name}"' in text
        found = _find(done.json(), name)
        assert found == pytest.approx(value, abs=1e-6)


def test_answer_tasks_save_texts_too(cli: Cli) -> None:
    """XOR-Retrieve's own script wants texts: they are written as its prediction file has them, and score the same."""
    cli("run", "-e", "hashing", "-t", "xor-tydi/te", "--output", "out", "--save-runs", "runs")
    (result,), (predictions,) = Path("out").rglob("*.json"), Path("runs").rglob("te.json")
    rows = json.loads(predictions.read_text("utf-8"))
    assert len(rows) == 40
    assert {row["lang"] for row in rows} == {"te"}
    done = cli("score", "--run", predictions, "--task", "xor-tydi/te", "--source", "pocket", "--json")
    assert done.code == 0, done.err
    assert _find(done.json(), "r@2kt") == pytest.approx(load(result).subsets["te"].metrics["r@2kt"], abs=1e-9)


def test_a_result_without_its_run_is_computed_again(cli: Cli) -> None:
    """Asking for runs later gives them, from stored vectors; asking twice computes nothing."""
    common = ("run", "-e", "hashing", "-t", "mr-tydi/sw", "--output", "out")
    cli(*common)
    again = cli(*common, "--save-runs", "runs")
    assert "nothing to compute" not in again.out and "0 texts to encode" in again.err
    assert list(Path("runs").rglob("sw.trec"))
    assert "nothing to compute" in cli(*common, "--save-runs", "runs").out


def test_a_ranking_without_a_hit_is_kept(tmp_path: Path, write_subset: Callable[..., Path]) -> None:
    """Its file says whose it is, and is not made again."""

    class Silent:
        info = EncoderInfo(name="silent", dim=0, fingerprint="0" * 64, similarity="dot", normalized=False)

        def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
            pass

        def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
            return np.full((len(queries), k), -1), np.zeros((len(queries), k))

    folder = write_subset(tmp_path / "xx" / "sw", {"d": "tea"}, {"q": "chai"}, {"q": {"d": 1}})
    settings = Settings(output=tmp_path / "out", runs=tmp_path / "runs")
    reused = [
        harness.evaluate(Silent(), source=str(folder.parent), settings=settings).outcomes[0].reused for _ in range(2)
    ]
    assert reused == [False, True]


def test_no_folder_without_asking(cli: Cli) -> None:
    """Runs are large; they are written when they are wanted."""
    cli("run", "-e", "hashing", "-t", "mr-tydi/sw", "--output", "out")
    assert not list(Path.cwd().rglob("*.trec"))


def _find(value: Any, name: str) -> Any:
    """The value under the key `name`, wherever it is."""
    if isinstance(value, dict):
        if isinstance(value.get(name), float):
            return value[name]
        return next((found for item in value.values() if (found := _find(item, name)) is not None), None)
    if isinstance(value, list):
        return next((found for item in value if (found := _find(item, name)) is not None), None)
    return None


def test_a_run_of_other_data_is_written_again(
    tmp_path: Path, write_subset: Callable[..., Path], toy_encoder: Callable[..., Any]
) -> None:
    """Queries change, a run without saving scores them, and the next one does not leave the old ranking in place."""
    corpus = {f"d{number}": f"text {number}" for number in range(9)}
    settings = Settings(output=tmp_path / "out", runs=tmp_path / "runs")

    def run(query: str, settings: Settings) -> harness.Evaluation:
        folder = write_subset(tmp_path / "xx" / "sw", corpus, {"q": query}, {"q": {"d1": 1}})
        return harness.evaluate(toy_encoder(), source=str(folder.parent), settings=settings)

    def best() -> str:
        (path,) = (tmp_path / "runs").rglob("*.trec")
        return next(iter(read_run(path)["q"]))

    run("text 1", settings)
    assert best() == "d1"
    run("text 7", Settings(output=tmp_path / "out"))
    evaluation = run("text 7", settings)
    assert not evaluation.outcomes[0].reused and best() == "d7"
    assert run("text 7", settings).outcomes[0].reused


def test_predictions_that_are_gone_are_written_again(cli: Cli) -> None:
    """A run file without the texts beside it is not all that was asked for."""
    common = ("run", "-e", "hashing", "-t", "xor-tydi/te", "--output", "out", "--save-runs", "runs")
    cli(*common)
    (predictions,) = Path("runs").rglob("te.json")
    predictions.unlink()
    cli(*common)
    assert predictions.is_file()
