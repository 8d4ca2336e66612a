"""Retrieval of a checkpoint on folders in BEIR layout, through the harness: what `harness run` would score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness import api
from harness._util import fingerprint
from harness.engine.execute import Outcome
from harness.errors import HarnessError
from harness.sources.opening import open_source
from harness.tasks.selection import Selection
from harness_lamir.experiments.plan import Measured
from harness_lamir.experiments.results import Measurement, Scored, pack

__all__ = ["check", "retrieval"]


def retrieval(
    checkpoint: Path, measured: Sequence[Measured], data: Path, scratch: Path, corpora: Path
) -> dict[str, Measurement]:
    """Score a checkpoint on everything that an experiment measures.

    Args:
        checkpoint: a folder that the trainer wrote.
        measured: what to score on.
        data: the folder that sources start from.
        scratch: an existing folder for results and embeddings, which the caller removes.
        corpora: a folder for converted corpora, which may serve again.

    Raises:
        UsageError: a source, task or language is not there.
        HarnessError: a subset failed.
    """
    encoder = api.load_encoder("lamir", {"checkpoint": str(checkpoint)})
    found = {}
    for one in measured:
        settings = api.Settings(output=scratch / "results" / one.name, cache=scratch / "cache")
        source = open_source(str(data / one.source), corpus_from=one.corpus_from, cache=corpora)
        done = api.evaluate(encoder, source=source, select=_selection(one), settings=settings)
        found[one.name] = _measurement(done.outcomes, one.parallel)
    return found


def check(measured: Sequence[Measured], data: Path, corpora: Path) -> None:
    """Find all sources, tasks and languages, so that nothing is missing after hours of training.

    Raises:
        UsageError: one is not there.
    """
    from harness.tasks.selection import select

    for one in measured:
        source = open_source(str(data / one.source), corpus_from=one.corpus_from, cache=corpora)
        select(source.tasks(), _selection(one))


def _selection(one: Measured) -> Selection:
    return Selection(tuple(one.tasks) or ("*",), tuple(one.languages) or ("*",))


def _measurement(outcomes: Sequence[Outcome], parallel: bool) -> Measurement:
    """What the harness gave for the subsets of one measurement, as result files keep it.

    Where queries are parallel, all subsets list the same ones. The harness counts a question once that a collection
    holds twice, and translations of two questions may be equal in one language alone: such gaps are NaN.
    """
    metrics = {outcome.job.selected.task.main_metric for outcome in outcomes}
    if len(metrics) != 1:
        raise HarnessError(f"measurements of {', '.join(sorted(metrics))} cannot be averaged")
    (metric,) = metrics
    scores = {outcome.job.selected.subset.name: _by_query(outcome, metric) for outcome in outcomes}
    everything = sorted({name for own in scores.values() for name in own})
    subsets = {}
    for outcome in outcomes:
        label, result = outcome.job.selected.subset.name, outcome.result
        own = scores[label]
        ids = everything if parallel else list(own)
        subsets[label] = Scored(
            score=result.metrics[metric],
            items=len(own),
            passages=None if result.counts is None else result.counts.passages,
            data=result.data,
            ids=fingerprint.of_strings(ids),
            values=pack(np.array([own.get(name, np.nan) for name in ids])),
        )
    return Measurement(metric=metric, subsets=subsets)


def _by_query(outcome: Outcome, metric: str) -> dict[str, float]:
    """The score of every query of a subset. Raises HarnessError if it failed."""
    result = outcome.result
    if result.status != "ok":
        raise HarnessError(f"{outcome.job.selected.label}: {result.error or result.status}")
    queries = result.per_query["ranking"]
    return dict(zip(queries.ids, queries.values[metric], strict=True))
