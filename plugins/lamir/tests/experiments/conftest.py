"""A tiny experiment over the made-up languages of `tiny_data`, and results made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import yaml
from harness_lamir.experiments.plan import Experiment, Run, load_experiment, runs
from harness_lamir.experiments.results import Measurement, RunResult, Scored, pack

PLAN: dict[str, Any] = {
    "number": 1,
    "title": "Tiny",
    "recipe": "recipes/tiny.yaml",
    "seeds": [1, 2],
    "start": "both",
    "arms": {
        "backbone": {"title": "backbone alone", "untrained": True},
        "ir": {"title": "IR", "set": {"objectives.semantic.weight": 0, "objectives.language.weight": 0}},
        "both": {"title": "IR + both"},
    },
    "measured": [{"name": "made-up", "title": "Made up", "source": "evaluation/made-up", "parallel": True}],
    "probes": {"files": "parallel/{language}.tsv", "after": 500, "languages": ["xa", "xb"], "sentences": 60},
    "claims": [{"says": "Both are better than IR", "better": "both", "worse": "ir"}],
}


@pytest.fixture
def plan() -> dict[str, Any]:
    """Return the content of a plan, to be changed at will."""
    return json.loads(json.dumps(PLAN))  # type: ignore[no-any-return]


@pytest.fixture
def plans(tmp_path: Path, plan: dict[str, Any], make_recipe: Callable[..., dict[str, Any]]) -> Path:
    """Write the plan and its recipe, and return their folder."""
    folder = tmp_path / "plans"
    (folder / "recipes").mkdir(parents=True)
    recipe = make_recipe(steps=4, heldout_pairs=0)
    for name in ("pairs", "texts"):
        recipe["streams"][name]["sources"][0]["limit"] = 500
    (folder / "recipes" / "tiny.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
    return folder


@pytest.fixture
def world(tiny_data: Path) -> Path:
    """Return `tiny_data` with two made-up collections to search, and the same English sentences in both languages."""
    rng = Random(3)
    for language, shift in (("xa", 5), ("xb", 11)):
        folder = tiny_data / "evaluation" / "made-up" / language
        (folder / "qrels").mkdir(parents=True)
        words = Random(11)
        passages = [" ".join(_word(words, shift) for _ in range(12)) for _ in range(20)]
        queries = [" ".join(passage.split()[:4]) for passage in passages]
        _write(folder / "corpus.jsonl", [{"_id": f"p{i}", "title": "", "text": p} for i, p in enumerate(passages)])
        _write(folder / "queries.jsonl", [{"_id": f"q{i}", "text": q} for i, q in enumerate(queries)])
        rows = ["query-id\tcorpus-id\tscore", *(f"q{i}\tp{i}\t1" for i in range(20))]
        (folder / "qrels" / "test.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    english = [" ".join(_word(rng, 0) for _ in range(6)) for _ in range(600)]
    for language, shift in (("xa", 5), ("xb", 11)):
        lines = [f"{text}\t{_shifted(text, shift)}" for text in english]
        (tiny_data / "parallel" / f"{language}.tsv").write_text("\n".join(lines), encoding="utf-8")
    return tiny_data


@pytest.fixture
def experiment(plans: Path) -> Experiment:
    """Return the tiny experiment."""
    return load_experiment(plans / "tiny.yaml")


@pytest.fixture
def by_hand(experiment: Experiment, plans: Path) -> Callable[[Mapping[str, float]], list[RunResult]]:
    """Return a function: arm to score, to results of two languages and all seeds with about that score."""

    def make(scores: Mapping[str, float]) -> list[RunResult]:
        return [_result(run, scores[run.arm]) for run in runs(experiment, plans) if run.arm in scores]

    return make


def _result(run: Run, score: float) -> RunResult:
    """A result whose every measurement is `score`, with the same noise by query in all arms."""
    noise = np.random.default_rng(5).normal(0, 0.05, (2, 80))
    noise += 0.001 * run.seed - noise.mean()
    own = np.random.default_rng([run.seed, len(run.arm)]).normal(0, 0.01, (2, 80))
    values = score + noise + own
    subsets = {
        code: Scored(score=float(row.mean()), items=80, passages=20, data="d", ids="i", values=pack(row))
        for code, row in zip(("xa", "xb"), values, strict=True)
    }
    return RunResult(
        experiment=run.experiment.name,
        arm=run.arm,
        seed=run.seed,
        plan=run.fingerprint,
        recipe="r",
        untrained=run.untrained,
        command="c",
        steps=4,
        losses={},
        training_text={},
        measured={name: Measurement(metric="ndcg@10", subsets=subsets) for name in run.experiment.measures},
        seconds={"train": 1.0},
        weights="w",
        device="cpu",
        threads=1,
        python="3",
        processor="abacus",
        packages={"torch": "0"},
    )


def _word(rng: Random, shift: int) -> str:
    return _shifted("".join(rng.choice("abcdefghij") for _ in range(5)), shift)


def _shifted(text: str, shift: int) -> str:
    return " ".join("".join(chr((ord(c) - 97 + shift) % 26 + 97) for c in word) for word in text.split())


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
