"""Exact search: one matrix product per block of the corpus, and a top-k that merges associatively.

The order is (score descending, tie rank descending), which is total, so any grouping of blocks gives the same result.
The tie rank is the rank of the passage id in byte order: trec_eval breaks ties by id, descending.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.encoders.protocols import FloatArray

#: Cells of one score matrix: 64 MiB of float32.
_SCORE_CELLS = 1 << 24


@dataclass(frozen=True)
class Hits:
    """Ranked hits: `positions` (Q, k) int64 into the corpus, −1 past the last hit, and `scores` (Q, k) float32."""

    positions: NDArray[np.int64]
    scores: FloatArray


def no_hits(queries: int) -> Hits:
    """The neutral element of `merge`: no hit for any query."""
    return Hits(np.empty((queries, 0), dtype=np.int64), np.empty((queries, 0), dtype=np.float32))


def search(
    queries: FloatArray, blocks: Iterable[tuple[int, FloatArray]], *, k: int, tie_order: NDArray[np.int64]
) -> Hits:
    """The best `k` passages of each query by inner product.

    `queries` (Q, D) float32; `blocks` gives (position of the first row, vectors (n, D) float32); `tie_order` (N,) is
    the rank that decides between equal scores, higher first.
    """
    best = no_hits(len(queries))
    for start, block in blocks:
        best = merge(best, _block_hits(queries, start, block, k, tie_order), k=k, tie_order=tie_order)
    return best


def merge(left: Hits, right: Hits, *, k: int, tie_order: NDArray[np.int64]) -> Hits:
    """The best `k` of both, for each query. Associative and commutative for hits of distinct passages."""
    positions = np.concatenate([left.positions, right.positions], axis=1)
    scores = np.concatenate([left.scores, right.scores], axis=1)
    return _ranked(positions, scores, k, tie_order)


def _ranked(positions: NDArray[np.int64], scores: FloatArray, k: int, tie_order: NDArray[np.int64]) -> Hits:
    """Sort rows by (is a hit, score, tie rank), all descending, and keep `k` columns."""
    present = positions >= 0
    ties = np.where(present, tie_order[positions.clip(min=0)], -1) if len(tie_order) else positions
    order = np.lexsort((ties, scores, present), axis=1)[:, ::-1][:, :k]
    return Hits(np.take_along_axis(positions, order, 1), np.take_along_axis(scores, order, 1))


def _block_hits(queries: FloatArray, start: int, block: FloatArray, k: int, tie_order: NDArray[np.int64]) -> Hits:
    """The best `k` of one block, computed for as many queries at a time as keep the score matrix small."""
    step = max(1, _SCORE_CELLS // max(1, len(block)))
    parts = [_select(queries[at : at + step] @ block.T, start, k, tie_order) for at in range(0, len(queries), step)]
    if not parts:
        return no_hits(0)
    return Hits(np.concatenate([p.positions for p in parts]), np.concatenate([p.scores for p in parts]))


def _select(scores: FloatArray, start: int, k: int, tie_order: NDArray[np.int64]) -> Hits:
    """The best `k` columns of each row of `scores` (q, n), ties at the cut included in the decision."""
    q, n = scores.shape
    k = min(k, n)
    columns = np.broadcast_to(np.arange(start, start + n), (q, n))
    if k == n:
        return _ranked(columns, scores, k, tie_order)
    threshold = np.partition(scores, n - k, axis=1)[:, n - k]  # the k-th best score of each row
    # Everything above the k-th best score is in; among those equal to it, the highest tie ranks fill what is left.
    row, column = np.nonzero(scores >= threshold[:, None])
    value = scores[row, column]
    order = np.lexsort((-tie_order[start + column], -value, row))
    row, column, value = row[order], column[order], value[order]
    first = np.searchsorted(row, np.arange(q))  # every row has at least k candidates, sorted best first
    take = first[:, None] + np.arange(k)
    return Hits((column[take] + start).astype(np.int64), value[take])
