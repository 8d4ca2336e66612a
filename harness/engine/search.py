"""Exact search: one matrix product per block of the corpus, and a top-k that merges associatively.

The product finds the candidates, with slack for its rounding. Their scores are then computed pair by pair, so that a
score depends on the two vectors alone: equal texts tie, wherever they stand and whatever else is asked.

The order is (score descending, tie rank descending), which is total, so any grouping of blocks gives the same result.
The tie rank is the rank of the passage id in byte order: trec_eval breaks ties by id, descending.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.encoders.protocols import FloatArray

#: Cells of one score matrix: 64 MiB of float32.
_SCORE_CELLS = 1 << 24
#: Candidates that are ranked at a time, a few more at most: where everything ties, all are candidates.
_CANDIDATES = 1 << 20
#: Cells of the vectors that are multiplied pair by pair at a time: 8 MiB of float64.
_PAIR_CELLS = 1 << 20


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
        full = best.positions.shape[1] == k
        floor = best.scores[:, -1] if full else np.full(len(queries), -np.inf, dtype=np.float32)
        best = merge(best, _block_hits(queries, start, block, floor, k, tie_order), k=k, tie_order=tie_order)
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


def _block_hits(
    queries: FloatArray, start: int, block: FloatArray, floor: FloatArray, k: int, tie_order: NDArray[np.int64]
) -> Hits:
    """The best `k` of one block that can still be hits, for as many queries at a time as keep the score matrix small.

    `floor` (Q,) is the score that each query has `k` passages at or above already.
    """
    step = max(1, _SCORE_CELLS // max(1, len(block)))
    longest = float(np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64).max(initial=0.0)))
    parts = []
    for at in range(0, len(queries), step):
        some = queries[at : at + step]
        for rows, row, column in _candidates(some, block, longest, floor[at : at + step], k):
            parts.append(_best(some[rows], row, _exact(some[rows], block, row, column), start + column, k, tie_order))
    if not parts:
        return no_hits(0)
    width = max(part.positions.shape[1] for part in parts)
    positions = np.full((len(queries), width), -1, dtype=np.int64)
    scores = np.zeros((len(queries), width), dtype=np.float32)
    at = 0
    for part in parts:
        rows, columns = part.positions.shape
        positions[at : at + rows, :columns], scores[at : at + rows, :columns] = part.positions, part.scores
        at += rows
    return Hits(positions, scores)


def _candidates(
    queries: FloatArray, block: FloatArray, longest: float, floor: FloatArray, k: int
) -> Iterator[tuple[slice, NDArray[np.int64], NDArray[np.int64]]]:
    """(some of the queries, row among them, column) of all that can be among the best `k`, whatever was rounded.

    A product of `D` terms in float32 is off by at most D · 2⁻²⁴ · |query| · |passage|; `longest` is the greatest
    |passage|.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scores = queries @ block.T
        slack = queries.shape[1] * 2.0**-23 * longest * np.linalg.norm(queries.astype(np.float64), axis=1)
        wanted = _within(scores, floor, slack)
        if np.count_nonzero(wanted) > 4 * k * len(queries):  # the first block, where there is no floor yet
            cut = max(0, len(block) - k)
            kth = np.partition(scores, cut, axis=1)[:, cut]  # the k-th best score of each row
            wanted = _within(scores, np.maximum(kth, floor), slack)
    upto = np.cumsum(np.count_nonzero(wanted, axis=1)) // _CANDIDATES
    edges = [0, *(np.flatnonzero(np.diff(upto)) + 1).tolist(), len(queries)]
    for first, last in pairwise(edges):
        row, column = np.nonzero(wanted[first:last])
        yield slice(first, last), row, column


def _within(scores: FloatArray, floor: FloatArray, slack: NDArray[np.float64]) -> NDArray[np.bool_]:
    """True (q, n) for scores at most `slack` (q,) below `floor` (q,), and for what overflowed."""
    threshold = np.nan_to_num(floor - slack, nan=-np.inf, posinf=float(np.finfo(np.float32).max)).astype(np.float32)
    within: NDArray[np.bool_] = ~(scores < np.nextafter(threshold, np.float32(-np.inf))[:, None])
    return within


def _exact(queries: FloatArray, block: FloatArray, row: NDArray[np.int64], column: NDArray[np.int64]) -> FloatArray:
    """The inner product (n,) of each pair, added up in float64: it depends on the two vectors and on nothing else.

    A matrix product rounds equal columns differently, by where they stand, and equal texts would not tie.
    """
    out = np.empty(len(row), dtype=np.float32)
    step = max(1, _PAIR_CELLS // max(1, queries.shape[1]))
    for at in range(0, len(row), step):
        pairs = slice(at, at + step)
        left, right = queries[row[pairs]].astype(np.float64), block[column[pairs]].astype(np.float64)
        with np.errstate(over="ignore"):
            out[pairs] = np.einsum("ij,ij->i", left, right)
    return out


def _best(
    queries: FloatArray,
    row: NDArray[np.int64],
    value: FloatArray,
    position: NDArray[np.int64],
    k: int,
    tie_order: NDArray[np.int64],
) -> Hits:
    """The best `k` of the candidates of each query, ties at the cut included in the decision."""
    order = np.lexsort((-tie_order[position], -value, row))
    row, value, position = row[order], value[order], position[order]
    place = np.arange(len(row)) - np.searchsorted(row, np.arange(len(queries)))[row]
    kept = place < k
    row, place = row[kept], place[kept]
    shape = (len(queries), int(place.max(initial=-1)) + 1)
    positions, scores = np.full(shape, -1, dtype=np.int64), np.zeros(shape, dtype=np.float32)
    positions[row, place], scores[row, place] = position[kept], value[kept]
    return Hits(positions, scores)
