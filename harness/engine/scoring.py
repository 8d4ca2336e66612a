"""From hits to a subset's result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness import metrics
from harness.engine.plan import Job
from harness.engine.search import Hits
from harness.metrics import Scores
from harness.results.schema import Counts, PerQuery

#: Per-query scores are kept to this many decimals: they feed significance tests, and files stay small.
_DECIMALS = 6


@dataclass(frozen=True)
class Ranking:
    """Hits with their names: `run` is query id → passage id → score, and `contexts` holds the retrieved texts in rank
    order where answers are looked for in them.
    """

    run: dict[str, dict[str, float]]
    contexts: dict[str, list[str]] | None


def ranking(job: Job, hits: Hits) -> Ranking:
    """`hits` of `job` by name."""
    collection = job.collection
    query_ids = collection.queries.ids
    passage_ids = _looked_up(collection.corpus.ids_at, hits)
    run = {query: dict(zip(passage_ids[i], hits.scores[i].tolist(), strict=False)) for i, query in enumerate(query_ids)}
    contexts = None
    if collection.answers is not None:
        contexts = dict(zip(query_ids, _looked_up(collection.corpus.texts_at, hits), strict=True))
    return Ranking(run, contexts)


def score_ranking(job: Job, ranked: Ranking) -> Scores:
    """Scores of `job` by all its measures."""
    collection = job.collection
    return metrics.score(
        job.measures, qrels=collection.qrels, run=ranked.run, answers=collection.answers, contexts=ranked.contexts
    )


def counts(job: Job, scores: Scores) -> Counts:
    """How many queries, passages and judgements the scores stand on."""
    grades = [grade for row in job.collection.qrels.values() for grade in row.values()]
    return Counts(
        queries=len(job.collection.queries) + job.collection.repeats,
        scored=len(scores.per_query[job.selected.task.main_metric]),
        passages=len(job.collection.corpus),
        judgements=len(grades),
        relevant=sum(grade > 0 for grade in grades),
    )


def per_query(scores: Scores) -> dict[str, PerQuery]:
    """Per-query values as parallel lists: `ranking` over the judged queries, `answers` over the answerable ones."""
    kinds: dict[str, dict[str, dict[str, float]]] = {}
    for measure, values in scores.per_query.items():
        if values:
            kind = "ranking" if metrics.parse(measure).by_judgement else "answers"
            kinds.setdefault(kind, {})[measure] = values
    out: dict[str, PerQuery] = {}
    for kind, group in kinds.items():
        ids = tuple(next(iter(group.values())))
        rounded = {m: tuple(round(values[i], _DECIMALS) for i in ids) for m, values in group.items()}
        out[kind] = PerQuery(ids=ids, values=rounded)
    return out


def _looked_up(lookup: Callable[[NDArray[np.int64]], list[str]], hits: Hits) -> list[list[str]]:
    """`lookup` applied to all hits at once, cut into one list for each query."""
    present = hits.positions >= 0
    values = lookup(hits.positions[present])
    ends = np.cumsum(present.sum(axis=1)).tolist()
    return [values[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
