"""Carrying out a plan: one subset after the other, each result on disk before the next begins."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.engine.compose import Model
from harness.engine.failure import reason
from harness.engine.plan import Job, PlannedJob
from harness.engine.retrieve import Retriever
from harness.engine.scoring import Ranking, counts, per_query, ranking, score_ranking
from harness.engine.store import EmbeddingStore
from harness.results.provenance import peak_memory
from harness.results.schema import SubsetResult, Timings


class Reporter(Protocol):
    """Told of progress while a plan is carried out."""

    def begin(self, texts: int, subsets: int) -> None:
        """`texts` will be encoded for `subsets`."""
        ...

    def start(self, label: str) -> None:
        """Work on one subset begins."""
        ...

    def advance(self, texts: int) -> None:
        """So many more texts are encoded."""
        ...

    def rescored(self, pairs: int, of: int) -> None:
        """So many more pairs `of` all that the subset has are rescored by a reranker."""
        ...

    def finish(self, label: str, result: SubsetResult) -> None:
        """One subset is done, well or not."""
        ...

    def end(self) -> None:
        """Everything is done, or stopped."""
        ...


class Silent:
    """The reporter that says nothing."""

    def begin(self, texts: int, subsets: int) -> None:
        """Nothing."""

    def start(self, label: str) -> None:
        """Nothing."""

    def advance(self, texts: int) -> None:
        """Nothing."""

    def rescored(self, pairs: int, of: int) -> None:
        """Nothing."""

    def finish(self, label: str, result: SubsetResult) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class Sink(Protocol):
    """Takes each result as soon as it is there."""

    def keep(self, job: Job, ranking: Ranking) -> None:
        """Make the ranking of a subset durable, where that was asked for."""
        ...

    def write(self, job: Job, result: SubsetResult) -> None:
        """Make `result` durable."""
        ...

    def reuse(self, job: Job) -> None:
        """Nothing is computed for this job: its result was there already."""
        ...


@dataclass(frozen=True)
class Outcome:
    """A planned job with its result, and whether that was there already."""

    job: Job
    result: SubsetResult
    reused: bool


def execute(
    planned: Sequence[PlannedJob],
    model: Model,
    store: EmbeddingStore | None,
    *,
    limit: int | None,
    sink: Sink,
    reporter: Reporter,
    fail_fast: bool,
) -> list[Outcome]:
    """Score every job that has no result yet.

    A job that fails gets a result with status `failed` and the others go on, unless `fail_fast`. KeyboardInterrupt
    passes: what was committed by then stays.
    """
    outcomes: list[Outcome] = []
    retriever = Retriever(store, reporter.advance, reporter.rescored)
    waiting = [plan for plan in planned if plan.done is None]
    reporter.begin(sum(plan.to_encode for plan in waiting), len(waiting))
    try:
        for plan in planned:
            if plan.done is not None:
                sink.reuse(plan.job)
                outcomes.append(Outcome(plan.job, plan.done, reused=True))
                continue
            label = plan.job.selected.label
            reporter.start(label)
            result = _run_one(plan.job, model, retriever, limit, sink.keep)
            sink.write(plan.job, result)
            reporter.finish(label, result)
            outcomes.append(Outcome(plan.job, result, reused=False))
            if result.status == "failed" and fail_fast:
                break
    finally:
        reporter.end()
    return outcomes


def _run_one(
    job: Job,
    model: Model,
    retriever: Retriever,
    limit: int | None,
    keep: Callable[[Job, Ranking], None],
) -> SubsetResult:
    common = {
        "split": job.selected.split,
        "data": job.collection.fingerprint,
        "origin": job.collection.origin or None,
        "identity": job.identity(model.info, limit),
        "limit": limit,
    }
    try:
        retrieved = retriever.retrieve(job, model)
        scoring = time.monotonic()
        ranked = ranking(job, retrieved.hits)
        scores = score_ranking(job, ranked)
        keep(job, ranked)
        spent = time.monotonic() - scoring
    except Exception as error:  # an encoder is foreign code: whatever it throws is this subset's failure
        return SubsetResult.model_validate({**common, "status": "failed", "error": reason(error)})
    return SubsetResult.model_validate(
        {
            **common,
            "status": "ok" if limit is None else "partial",
            "metrics": {name: min(1.0, value) for name, value in scores.metrics.items()},
            "counts": counts(job, scores),
            "per_query": per_query(scores),
            "tuned": dict(retrieved.tuned),
            "timings": Timings(
                encode=round(retrieved.encode_seconds, 3),
                search=round(retrieved.search_seconds, 3),
                score=round(spent, 3),
                encoded_texts=retrieved.encoded_texts,
            ),
            "peak_memory": peak_memory(),
        }
    )
