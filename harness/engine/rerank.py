"""Reranking: the first hits of a ranking, rescored in bounded batches.

What a reranker says of two passages is comparable, and what it says of one and the first stage of another is not. The
hits below the rescored ones therefore keep their order under them, and the scores of the whole ranking are places
counted from its end: n, n − 1, … 1. These are exact in float32 and never equal, so trec_eval finds the same order,
whatever the reranker's scale is. Equal scores of the reranker are decided as everywhere, by passage id, descending.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.encoders.protocols import FloatArray, Reranker
from harness.engine import search as exact
from harness.engine.plan import Job
from harness.engine.search import Hits
from harness.errors import EncoderContractError

#: Pairs handed to one `score` call: many batches, so that sorting by length inside the reranker pays.
CHUNK = 1024


def rerank(job: Job, hits: Hits, reranker: Reranker, depth: int, advance: Callable[[int, int], None]) -> Hits:
    """`hits` (Q, k) of `job` with the first `depth` of each query reordered by `reranker`, best first.

    `advance(n, of)` is told of every n pairs of all that are scored. Raises EncoderContractError for scores of another
    shape than (n,) or that are not finite.
    """
    head = hits.positions[:, :depth]
    rows, columns = np.nonzero(head >= 0)
    scores = np.zeros(head.shape, dtype=np.float32)
    queries, passages = job.texts("query"), job.texts("passage")
    for start in range(0, len(rows), CHUNK):
        row, column = rows[start : start + CHUNK], columns[start : start + CHUNK]
        pairs = list(zip(queries.take(row), passages.take(head[row, column]), strict=True))
        scores[row, column] = _checked(reranker, pairs, queries.language, passages.language)
        advance(len(pairs), len(rows))
    best = exact.merge(
        exact.no_hits(len(head)), Hits(head, scores), k=head.shape[1], tie_order=job.collection.corpus.tie_order
    )
    positions = np.concatenate([best.positions, hits.positions[:, depth:]], axis=1)
    return Hits(positions, _places(positions))


def _checked(
    reranker: Reranker, pairs: list[tuple[str, str]], query_language: str | None, passage_language: str | None
) -> FloatArray:
    """`reranker.score`, held to its contract."""
    name = reranker.info.name
    given = np.asarray(reranker.score(pairs, query_language=query_language, passage_language=passage_language))
    if given.dtype.kind not in "fiu":
        raise EncoderContractError(f"reranker {name!r} returned no numbers: an array of dtype {given.dtype}")
    if given.shape != (len(pairs),):
        raise EncoderContractError(
            f"reranker {name!r} returned an array of shape {given.shape} for {len(pairs)} pairs",
            f"One score for each pair is expected: ({len(pairs)},).",
        )
    with np.errstate(over="ignore"):
        scores: FloatArray = given.astype(np.float32)
    if not np.isfinite(scores).all():
        query, passage = pairs[int(np.flatnonzero(~np.isfinite(scores))[0])]
        raise EncoderContractError(
            f"reranker {name!r} returned NaN or infinity for the pair {query[:80]!r}, {passage[:80]!r}"
        )
    return scores


def _places(positions: NDArray[np.int64]) -> FloatArray:
    """Places (Q, k) counted from the last hit of each query, which has 1; 0 past it."""
    present = positions >= 0
    places: FloatArray = np.where(present, present[:, ::-1].cumsum(axis=1)[:, ::-1], 0).astype(np.float32)
    return places
