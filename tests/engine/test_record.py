"""What a run records, and what of an earlier run stays in the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.engine.execute import Silent, execute
from harness.engine.plan import Job, Overwrite, PlannedJob
from harness.engine.record import Recorder, encoder_card
from harness.engine.store import EmbeddingStore
from harness.results.schema import ResultFile
from harness.results.store import load
from harness.sources.pocket import PocketSource
from harness.tasks.model import Subset
from harness.tasks.selection import Selected, Selection

_SUBSETS = (Subset("sw", "sw", "sw"), Subset("te", "te", "te"))


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Callable[..., Job]:
    """A function that builds the job of one of two subsets, its task changed as told."""

    def make(subset: Subset, **task: Any) -> Job:
        made = make_job({"d": "x"}, {"q": "x"}, {"q": {"d": 1}}, subset=subset)
        return replace(made, selected=replace(made.selected, task=_task(made.selected, **task)))

    def _task(selected: Selected, **task: Any) -> Any:
        return replace(selected.task, subsets=_SUBSETS, **task)

    return make


def _run(jobs: list[Job], model: Any, tmp_path: Path) -> ResultFile:
    """Score `jobs` and give the file that the last of them is in."""
    card = encoder_card(model.info, spec="toy", distribution="", version="", kind="encoder", options={}, training=None)
    recorder = Recorder(PocketSource(), card, Selection(), output=tmp_path / "out", overwrite=Overwrite.ALWAYS)
    planned = [PlannedJob(job, None, 1, 1) for job in jobs]
    store = EmbeddingStore(tmp_path / "store")
    execute(planned, model, store, limit=None, sink=recorder, reporter=Silent(), fail_fast=True)
    return load(recorder.path(jobs[-1]))


def test_a_file_grows(job: Callable[..., Job], toy_encoder: Callable[..., Any], tmp_path: Path) -> None:
    """Subsets of two runs stand in one file where the task is the same, whatever is newly said of it."""
    _run([job(_SUBSETS[0])], toy_encoder(), tmp_path)
    file = _run([job(_SUBSETS[1], title="Another title", citation="A book")], toy_encoder(), tmp_path)
    assert list(file.subsets) == ["sw", "te"]


@pytest.mark.parametrize(
    "change", [{"version": "2"}, {"passage_template": "{title} {text}"}, {"lowercase": "unicode"}], ids=str
)
def test_what_was_scored_under_another_definition_goes(
    job: Callable[..., Job], toy_encoder: Callable[..., Any], tmp_path: Path, change: dict[str, Any]
) -> None:
    """One card describes all scores of a file, so those that it does not describe are not kept under it."""
    _run([job(_SUBSETS[0])], toy_encoder(), tmp_path)
    file = _run([job(_SUBSETS[1], **change)], toy_encoder(), tmp_path)
    assert list(file.subsets) == ["te"]


def test_what_was_scored_with_other_prompts_goes(
    job: Callable[..., Job], toy_encoder: Callable[..., Any], tmp_path: Path
) -> None:
    """The same holds for what the encoder's card says."""
    _run([job(_SUBSETS[0])], toy_encoder(), tmp_path)
    file = _run([job(_SUBSETS[1])], toy_encoder(prompts={"query": "query: "}), tmp_path)
    assert list(file.subsets) == ["te"]
