"""Exact search over sparse vectors: an inverted index in blocks of passages, and a sparse product per block.

The score of a passage is the inner product of its vector with the query's. Products of two float32 are exact in
float64, and they are added up there in the order of the dimensions, so a score depends on the two vectors alone: not
on the block a passage stands in, nor on what else is indexed or asked.

A passage that shares no dimension with the query is no hit. Equal scores are ordered by position.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from harness.encoders.protocols import FloatArray, IntArray

#: Cells of one product, queries × passages: at most 48 MiB where every passage shares something with every query.
_CELLS = 1 << 22


class InvertedIndex:
    """Postings of sparse vectors of `dimensions` entries, 8 bytes each: a float32 weight and an int32 position."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._blocks: list[sparse.csr_array] = []  # each (dimensions, passages of the block) float32
        self._passages = 0

    def __len__(self) -> int:
        return self._passages

    @property
    def postings(self) -> int:
        """How many non-zero weights are stored."""
        return sum(int(block.nnz) for block in self._blocks)

    def add(self, passages: sparse.csr_array) -> None:
        """Append a block of passages (n, dimensions) float32; their positions follow those added before.

        Raises ValueError for vectors of another size.
        """
        if passages.shape[1] != self._dimensions:
            raise ValueError(f"vectors of {passages.shape[1]} dimensions in an index of {self._dimensions}")
        block = sparse.csr_array(passages.T, dtype=np.float32)
        block.eliminate_zeros()
        self._blocks.append(block)
        self._passages += passages.shape[0]

    def search(self, queries: sparse.csr_array, k: int) -> tuple[IntArray, FloatArray]:
        """The best `k` passages of each query.

        `queries` is (q, dimensions) float32. Returns positions (q, k) int64, −1 past the last hit, and scores (q, k)
        float32, 0 there. Only passages with a score other than 0 are hits.
        """
        queries = sparse.csr_array(queries, dtype=np.float64)
        queries.sort_indices()  # the order of the sum
        positions = np.full((queries.shape[0], k), -1, dtype=np.int64)
        scores = np.zeros((queries.shape[0], k), dtype=np.float32)
        start = 0
        for block in self._blocks:
            wide = block.astype(np.float64)
            for some in _steps(queries.shape[0], block.shape[1]):
                found = queries[some] @ wide
                _merge(positions[some], scores[some], found, start)
            start += block.shape[1]
        return positions, scores


def _steps(queries: int, passages: int) -> Iterator[slice]:
    """Slices of the queries, so many at a time that a product with `passages` columns stays small."""
    step = max(1, _CELLS // max(1, passages))
    for at in range(0, queries, step):
        yield slice(at, min(queries, at + step))


def _merge(positions: NDArray[np.int64], scores: FloatArray, found: sparse.csr_array, start: int) -> None:
    """Put the entries of `found` (q, n), whose first column is passage `start`, among the best (q, k), in place."""
    k = positions.shape[1]
    if k == 0:
        return
    rows = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    values = found.data.astype(np.float32)
    # What is below the k-th best so far cannot become a hit; an equal score loses to the earlier position.
    floor = np.where(positions[:, -1] >= 0, scores[:, -1], -np.inf)
    promising = values > floor[rows]
    row = np.nonzero(positions >= 0)[0]
    row = np.concatenate([row, rows[promising]])
    value = np.concatenate([scores[positions >= 0], values[promising]])
    position = np.concatenate([positions[positions >= 0], found.indices[promising].astype(np.int64) + start])
    order = np.lexsort((position, -value, row))
    row, value, position = row[order], value[order], position[order]
    place = np.arange(len(row)) - np.searchsorted(row, np.arange(found.shape[0]))[row]
    kept = place < k
    positions[row[kept], place[kept]], scores[row[kept], place[kept]] = position[kept], value[kept]
