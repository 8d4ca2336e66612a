"""Matrices of different heights in one array: the token vectors of many texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.encoders.protocols import FloatArray


@dataclass(frozen=True)
class Ragged:
    """`vectors` (T, D) float32 of all texts, one after another; text i has rows `offsets[i]` to `offsets[i + 1]`.

    `offsets` (n + 1,) int64 begins with 0, ends with T and rises: every text has a vector. Raises ValueError where
    this does not hold.
    """

    vectors: FloatArray
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.offsets[0] != 0 or self.offsets[-1] != len(self.vectors) or (np.diff(self.offsets) < 1).any():
            raise ValueError("every text has at least one vector, and offsets run from 0 to the number of vectors")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> FloatArray:
        return self.vectors[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Vectors (n,) of each text."""
        return np.diff(self.offsets)

    def part(self, start: int, stop: int) -> Ragged:
        """Texts `start` to `stop`, without copying vectors."""
        first, last = self.offsets[start], self.offsets[stop]
        return Ragged(self.vectors[first:last], self.offsets[start : stop + 1] - first)

    def take(self, indices: NDArray[np.int64]) -> Ragged:
        """The texts at `indices` (m,), in that order."""
        lengths = self.lengths[indices]
        offsets = offsets_of(lengths)
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[indices] - offsets[:-1], lengths)
        return Ragged(self.vectors[rows], offsets)


def offsets_of(lengths: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """0 and the running sums (n + 1,) of `lengths` (n,)."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)


def joined(matrices: Sequence[FloatArray], dim: int) -> Ragged:
    """Matrices (n_i, dim) as one."""
    vectors = np.concatenate(matrices) if matrices else np.zeros((0, dim), dtype=np.float32)
    return Ragged(vectors.astype(np.float32, copy=False), offsets_of([len(matrix) for matrix in matrices]))


def cuts(lengths: NDArray[np.int64], most: int) -> list[tuple[int, int]]:
    """(start, stop) of runs whose `lengths` (n,) add up to `most` at most; a longer one is a run of its own."""
    offsets = offsets_of(lengths)
    found, start = [], 0
    while start < len(lengths):
        stop = int(np.searchsorted(offsets, offsets[start] + most, side="right")) - 1
        stop = max(start + 1, stop)
        found.append((start, stop))
        start = stop
    return found
