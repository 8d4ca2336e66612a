"""Evaluation while training: the harness's own numbers, and no trace of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from harness_lamir.backbones.base import Backbone
from harness_lamir.recipe import Evaluation
from harness_lamir.training.evaluating import Evaluator

from harness.errors import NothingSelectedError, UsageError

PASSAGES = ["river stone", "market window teacher", "silver kitchen", "winter garden bridge"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write a task of two languages in BEIR layout below a data folder."""
    for language in ("en", "sw"):
        folder = tmp_path / "data" / "tasks" / "made-up" / language
        (folder / "qrels").mkdir(parents=True)
        for name, texts in (("corpus", PASSAGES), ("queries", PASSAGES)):
            with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as stream:
                stream.writelines(json.dumps({"_id": f"{name[0]}{i}", "text": t}) + "\n" for i, t in enumerate(texts))
        rows = "".join(f"q{i}\tc{i}\t1\n" for i in range(len(PASSAGES)))
        (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    return tmp_path / "data"


def test_scores_are_the_main_metric_by_subset(
    make_backbone: Callable[..., Backbone], data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A query that is its own passage is found first; nothing is written to the user's folders."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    backbone = make_backbone(dropout=0.5).train()
    weights = backbone.state_dict()
    with Evaluator(Evaluation(every=1, source="tasks"), data, "m") as evaluator:
        evaluator.check()
        first = evaluator(backbone, 3)
        assert first.step == 3 and first.subsets == {"made-up/en": 1.0, "made-up/sw": 1.0} and first.mean == 1.0
        assert backbone.training and next(backbone.parameters()).requires_grad
        folder = evaluator._folder
        assert {path.name for path in folder.iterdir()} <= {"corpora"}
        with torch.no_grad():
            for parameter in backbone.parameters():
                parameter.zero_()
        changed = evaluator(backbone, 4)  # other weights: nothing is taken from a cache
    assert changed.mean < 1.0
    assert not folder.exists() and sorted(tmp_path.rglob("*")) == before
    assert weights.keys() == backbone.state_dict().keys()


def test_it_measures_what_it_is_told(make_backbone: Callable[..., Backbone], data: Path) -> None:
    """Languages and questions are chosen as `harness run` does."""
    settings = Evaluation(every=1, source="tasks", languages=["sw"], limit=2)
    with Evaluator(settings, data, "m") as evaluator:
        scored = evaluator(make_backbone(), 1)
    assert list(scored.subsets) == ["made-up/sw"] and np.isclose(scored.mean, 1.0)


def test_what_cannot_be_measured_is_refused_before_training(data: Path) -> None:
    """A folder that is not there, and a language that no subset has."""
    with pytest.raises(UsageError):
        Evaluator(Evaluation(every=1, source="none"), data, "m")
    settings = Evaluation(every=1, source="tasks", tasks=["made-up"], languages=["te*"])
    with Evaluator(settings, data, "m") as evaluator, pytest.raises(NothingSelectedError):
        evaluator.check()
