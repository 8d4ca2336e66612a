"""The index: postings with their scores, which bm25s computes ahead of any query, and the best passages by position."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, overload

import bm25s
import numpy as np
from numpy.typing import NDArray


class Rows(Sequence[list[int]]):
    """Token ids of each passage, kept in one int32 buffer: a list of each would take ten times the memory."""

    def __init__(self) -> None:
        self._ids = array("i")
        self._ends = array("q", [0])

    def append(self, ids: Iterable[int]) -> None:
        """Take the ids of the next passage."""
        self._ids.extend(ids)
        self._ends.append(len(self._ids))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> list[int]: ...

    @overload
    def __getitem__(self, index: slice) -> list[list[int]]: ...

    def __getitem__(self, index: int | slice) -> list[int] | list[list[int]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._ids[self._ends[index] : self._ends[index + 1]].tolist()

    def __iter__(self) -> Iterator[list[int]]:
        return (self[index] for index in range(len(self)))


class Index:
    """Postings of a corpus. `method`, `k1` and `b` as bm25s has them (Lù, 2024, arXiv:2407.03618)."""

    def __init__(
        self,
        passages: Iterable[list[str]],
        *,
        method: Literal["lucene", "robertson", "atire"],
        k1: float,
        b: float,
    ) -> None:
        self._ids: dict[str, int] = {}
        rows = Rows()
        for tokens in passages:  # ids in the order of first use: sets of strings have another order in every process
            rows.append([self._ids.setdefault(token, len(self._ids)) for token in tokens])
        self._size = len(rows)
        self._scorer: Any = bm25s.BM25(method=method, k1=k1, b=b, backend="numpy")
        if self._ids:
            self._scorer.scores = self._scorer.build_index_from_ids(range(len(self._ids)), rows, show_progress=False)

    def best(self, tokens: Iterable[str], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Positions int64 and scores float32 of at most `k` passages with a score above 0, best first.

        A token counts as often as it is given. Of equal scores the earlier position comes first, at the cut too.
        """
        ids = [self._ids[token] for token in tokens if token in self._ids]
        if not ids or k < 1:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        scores: NDArray[np.float32] = self._scorer.get_scores_from_ids(ids)
        found = np.flatnonzero(scores > 0)
        if len(found) > k:
            values = scores[found]
            floor = np.partition(values, len(values) - k)[len(values) - k]
            found = found[values >= floor]
        order = np.argsort(-scores[found], kind="stable")[:k]
        return found[order].astype(np.int64), scores[found[order]]
