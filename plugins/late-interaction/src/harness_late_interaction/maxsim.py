"""MaxSim, exact and in bounded memory.

The score of a query with token vectors q_1 … q_m for a passage with token vectors d_1 … d_n is

    s(q, d) = Σ_i max_j q_i · d_j                        (Khattab & Zaharia, SIGIR 2020, equation 3)

`search` finds the best passages in two steps, as the harness does for single vectors: products in float32 find every
passage that can still be among the best k, with slack for their rounding, and those are scored again in float64, pair
by pair. A score therefore depends on the two texts alone, and on neither the size of a block nor what is beside them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.encoders.protocols import FloatArray, IntArray
from harness_late_interaction.ragged import Ragged, cuts

#: A block without a floor is scored exactly at once where it has so many times `k` passages or fewer: picking the
#: vectors of one candidate costs about as much as scoring a few passages.
_FEW = 5

_CPU = torch.device("cpu")


def scores(queries: Ragged, passages: Ragged, *, memory: int = 1 << 27, device: torch.device = _CPU) -> FloatArray:
    """MaxSim (q, p) float32 of each query with each passage, added up in float64 and rounded once.

    About `memory` bytes are used at a time. `device` must compute in float64.
    """
    out = np.empty((len(queries), len(passages)), dtype=np.float32)
    dim = queries.vectors.shape[1]
    for start, stop in cuts(passages.lengths, max(1, memory // (2 * 8 * dim))):
        some = passages.part(start, stop)
        right = torch.from_numpy(some.vectors).to(device, torch.float64).T
        for first, last in cuts(queries.lengths, max(1, memory // (2 * 8 * len(some.vectors)))):
            asked = queries.part(first, last)
            similarities = torch.from_numpy(asked.vectors).to(device, torch.float64) @ right
            maxima = _segment_max(similarities, some.offsets)
            out[first:last, start:stop] = np.add.reduceat(maxima, asked.offsets[:-1], axis=0)
    return out


def search(
    queries: Ragged,
    blocks: Iterable[tuple[int, Ragged]],
    k: int,
    *,
    memory: int = 1 << 27,
    device: torch.device = _CPU,
) -> tuple[IntArray, FloatArray]:
    """The best `k` passages of each query: positions (Q, k) int64 and scores (Q, k) float32.

    `blocks` gives (position of the first passage, passages) with rising positions. Of equal scores the lower position
    comes first; where there are fewer passages than `k`, −1 and 0 are filled in. Score matrices take about `memory`
    bytes.
    """
    n = len(queries)
    best = _Best(n, k)
    lengths = queries.lengths
    norms = _total_norms(queries)
    for start, block in blocks:
        if not len(block) or not n or not k:
            continue
        tokens = torch.from_numpy(block.vectors).to(device)
        longest = float(np.sqrt(np.einsum("ij,ij->i", block.vectors, block.vectors, dtype=np.float64).max()))
        # A product of D terms in float32 is off by at most D · 2⁻²⁴ · |q| · |d|, and a sum of m by m · 2⁻²⁴ of its
        # size; twice that, because the threshold is rounded too.
        slack = 2 * (queries.vectors.shape[1] + lengths + 2) * 2.0**-24 * norms * longest
        for first, last in cuts(lengths, max(1, memory // (4 * len(block.vectors)))):
            some = queries.part(first, last)
            floor = best.floor[first:last]
            if len(block) <= _FEW * k and not np.isfinite(floor).any():  # a good part of them will be candidates
                row, column = (at.ravel() for at in np.indices((len(some), len(block))))
                values = scores(some, block, memory=memory, device=device).ravel()
            else:
                rough = _rough(some, tokens, block.offsets, device)
                row, column = _candidates(rough, floor, slack[first:last], k)
                values = np.empty(len(row), dtype=np.float32)
                ends = np.searchsorted(row, np.arange(len(some) + 1))
                for i in np.flatnonzero(np.diff(ends)).tolist():
                    own = slice(ends[i], ends[i + 1])
                    values[own] = scores(some.part(i, i + 1), block.take(column[own]), memory=memory, device=device)[0]
            best.add(first, last, row, start + column, values)
    return best.positions, best.scores


def _rough(queries: Ragged, tokens: Tensor, offsets: NDArray[np.int64], device: torch.device) -> FloatArray:
    """MaxSim (q, p) in float32 of some queries with the passages whose vectors (T, D) are `tokens`."""
    similarities = torch.from_numpy(queries.vectors).to(device) @ tokens.T  # (query tokens, passage tokens)
    maxima = _segment_max(similarities, offsets)
    sums: FloatArray = np.add.reduceat(maxima, queries.offsets[:-1], axis=0)
    return sums


def _segment_max(similarities: Tensor, offsets: NDArray[np.int64]) -> NDArray[np.floating]:
    """The largest of each passage's columns: (m, T) → (m, p)."""
    if similarities.device.type == "cpu":
        maxima: NDArray[np.floating] = np.maximum.reduceat(similarities.numpy(), offsets[:-1], axis=1)
        return maxima
    lengths = torch.from_numpy(np.diff(offsets)).to(similarities.device)
    reduced = torch.segment_reduce(similarities.T.contiguous(), "max", lengths=lengths, axis=0, unsafe=True)
    on_host: NDArray[np.floating] = reduced.T.cpu().numpy()
    return on_host


def _total_norms(queries: Ragged) -> NDArray[np.float64]:
    """The sum (Q,) of the lengths of each query's vectors: the largest score there is, for unit vectors."""
    if not len(queries):
        return np.zeros(0)
    lengths = np.linalg.norm(queries.vectors.astype(np.float64), axis=1)
    sums: NDArray[np.float64] = np.add.reduceat(lengths, queries.offsets[:-1])
    return sums


def _candidates(
    rough: FloatArray, floor: FloatArray, slack: NDArray[np.float64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(row, column) of every cell of `rough` (q, p) that can be among the best `k` of its row.

    `floor` (q,) is the score that `k` passages of earlier blocks have at least.
    """
    threshold = floor.astype(np.float64)
    if rough.shape[1] > k:
        cut = rough.shape[1] - k
        threshold = np.maximum(threshold, np.partition(rough, cut, axis=1)[:, cut] - slack)
    row, column = np.nonzero(rough >= (threshold - slack)[:, None])
    return row, column


class _Best:
    """The best `k` hits so far of each of `n` queries."""

    def __init__(self, n: int, k: int) -> None:
        self.positions: IntArray = np.full((n, k), -1, dtype=np.int64)
        self.scores: FloatArray = np.zeros((n, k), dtype=np.float32)

    @property
    def floor(self) -> FloatArray:
        """The k-th best score (n,), −∞ where there are fewer hits."""
        lowest: FloatArray = np.where(self.positions[:, -1] >= 0, self.scores[:, -1], -np.inf).astype(np.float32)
        return lowest

    def add(self, first: int, last: int, row: IntArray, position: IntArray, value: FloatArray) -> None:
        """Take hits of queries `first` to `last`: `row` counts from `first`."""
        old_row, old_column = np.nonzero(self.positions[first:last] >= 0)
        row = np.concatenate([old_row, row])
        position = np.concatenate([self.positions[first:last][old_row, old_column], position])
        value = np.concatenate([self.scores[first:last][old_row, old_column], value])
        order = np.lexsort((position, -value, row))
        row, position, value = row[order], position[order], value[order]
        place = np.arange(len(row)) - np.searchsorted(row, np.arange(last - first))[row]
        kept = place < self.positions.shape[1]
        self.positions[first + row[kept], place[kept]] = position[kept]
        self.scores[first + row[kept], place[kept]] = value[kept]
