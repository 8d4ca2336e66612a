"""Which rows were met before: a set of 64-bit hashes that costs eight bytes for each.

Two different rows have one hash with a probability of 2 ** -64, so that among n rows about n ** 2 / 2 ** 65 are taken
for duplicates and are none: 0.0003 of a row among a hundred million.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from harness_lamir.data.grams import Hashes
from harness_lamir.data.rows import Row, texts_of

__all__ = ["SeenHashes", "hash_of_text", "hashes_of_rows"]


def hash_of_text(text: str) -> int:
    """Return 64 bits of BLAKE2b of a text, the same in every run."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def hashes_of_rows(rows: Sequence[Row]) -> Hashes:
    """Hash rows of one kind (n,): equal rows, language included, have equal hashes; others have not."""
    keys = ("".join(f"{len(text)}\0{text}" for text in (*texts_of(row), row.language)) for row in rows)
    return np.fromiter((hash_of_text(key) for key in keys), np.uint64, len(rows))


class SeenHashes:
    """A set of hashes that grows by whole arrays.

    It is a few sorted arrays, each at least twice as long as the next; adding merges the shortest ones. Adding n
    hashes one batch after the other takes O(n log n) in all, and asking O(log n) for each.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []

    def __len__(self) -> int:
        return sum(len(run) for run in self._runs)

    def has(self, hashes: Hashes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return (n,) bool: which of `hashes` (n,) are in the set."""
        found = np.zeros(len(hashes), np.bool_)
        for run in self._runs:
            at = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            found |= run[at] == hashes
        return found

    def add(self, hashes: Hashes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Add `hashes` (n,); return (n,) bool: which are new, neither in the set before nor earlier among them."""
        new = np.zeros(len(hashes), np.bool_)
        new[np.unique(hashes, return_index=True)[1]] = True
        new &= ~self.has(hashes)
        run = np.sort(hashes[new])
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")  # stable: merges sorted runs
        if len(run):
            self._runs.append(run)
        return new
