"""Toy searchers: a sound one, and one for each way of being broken. `breaks` names the checks that must fail."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from harness.encoders.protocols import EncoderInfo


class Sound:
    """Counts the words that a query and a passage share, over the length of the passage."""

    breaks: ClassVar[set[str]] = set()
    info = EncoderInfo(name="toy", dim=0, fingerprint="toy")

    def __init__(self, options: Any = None) -> None:
        self.passages: list[str] = []

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Keep the passages."""
        self.passages = list(passages)

    def score(self, query: str, passage: str) -> float:
        """Shared words, of those of both."""
        left, right = set(query.lower().split()), set(passage.lower().split())
        return len(left & right) / max(1, len(left | right))

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Positions (n, k) int64 and scores (n, k) float32; passages without a shared word are no hits."""
        positions = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.zeros((len(queries), k), dtype=np.float32)
        for i, query in enumerate(queries):
            found = [(self.score(query, passage), j) for j, passage in enumerate(self.passages)]
            best = sorted(((score, -j) for score, j in found if score > 0), reverse=True)[:k]
            for rank, (score, j) in enumerate(best):
                positions[i, rank], scores[i, rank] = -j, score
        return positions, scores


class Sized(Sound):
    """Declares a dimension."""

    breaks: ClassVar[set[str]] = {"declaration"}
    info = replace(Sound.info, dim=3)


class Narrow(Sound):
    """Gives as many columns as there are hits for the first query."""

    breaks: ClassVar[set[str]] = {"shape"}

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """Positions as they are, in a list where one is asked for."""
        positions, scores = super().search(queries, k)
        return (positions.tolist(), scores) if k == 1 and len(queries) > 1 else (positions, scores)


class Singles(Sound):
    """Returns int32."""

    breaks: ClassVar[set[str]] = {"dtype"}

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """Positions in 32 bits."""
        positions, scores = super().search(queries, k)
        return positions.astype(np.int32), scores


class NanScores(Sound):
    """Has no number for one passage."""

    breaks: ClassVar[set[str]] = {"finite"}

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """NaN for the first of four hits."""
        positions, scores = super().search(queries, k)
        if k == 4:
            scores[0, 0] = np.nan
        return positions, scores


class Repeats(Sound):
    """Returns a passage twice."""

    breaks: ClassVar[set[str]] = {"positions"}

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """The best passage again after the last one."""
        positions, scores = super().search(queries, k)
        if len(self.passages) == k == 10 and len(queries) == 5:
            positions[2, 4], scores[2, 4] = positions[2, 0], scores[2, 0]
        return positions, scores


class PadsFirst(Sound):
    """Puts −1 before the hits."""

    breaks: ClassVar[set[str]] = {"positions", "few-passages"}

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """Columns in reverse, which leaves the scores where they belong."""
        positions, scores = super().search(queries, k)
        return positions[:, ::-1].copy(), scores[:, ::-1].copy()


class OnlyAsMany(Sound):
    """Gives fewer columns where there are fewer passages."""

    breaks: ClassVar[set[str]] = {"few-passages"}

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """At most as many columns as passages, unless there are none."""
        positions, scores = super().search(queries, k)
        width = len(self.passages) or k
        return positions[:, :width], scores[:, :width]


class RefusesNothing(Sound):
    """Cannot index nothing."""

    breaks: ClassVar[set[str]] = {"empty-corpus"}

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Raise for an empty corpus."""
        if not len(passages):
            raise ValueError("need at least one array to concatenate")
        super().index(passages)


class NeedsQueries(Sound):
    """Cannot ask nothing."""

    breaks: ClassVar[set[str]] = {"no-queries"}

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """Raise for no queries."""
        if not len(queries):
            raise ValueError("need at least one array to concatenate")
        return super().search(queries, k)


class Remembers(Sound):
    """Weighs words by every corpus it ever saw."""

    breaks: ClassVar[set[str]] = {"re-index"}

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.seen = 0

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Count what was large."""
        self.seen = (self.seen + 1) % 2 if len(passages) >= 10 else self.seen
        super().index(passages)

    def score(self, query: str, passage: str) -> float:
        """More after a large corpus."""
        return super().score(query, passage) * (2 if self.seen and "museum" in self.passages[0] else 1)


class ByPlace(Sound):
    """Prefers passages that come early."""

    breaks: ClassVar[set[str]] = {"order"}

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """Scores moved by the position."""
        positions, scores = super().search(queries, k)
        return positions, np.where(positions == 0, scores + np.float32(0.01), scores)


class BatchScaled(Sound):
    """Divides by the best score of the batch."""

    breaks: ClassVar[set[str]] = {"companions"}

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """Scores moved by the other queries."""
        positions, scores = super().search(queries, k)
        return positions, scores / np.float32(len(queries))


class EnglishOnly(Sound):
    """Knows one language."""

    breaks: ClassVar[set[str]] = {"language"}

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Raise for others."""
        if language not in (None, "en"):
            raise KeyError(language)
        super().index(passages)


class OffByOne(Sound):
    """Returns the position after the right one."""

    breaks: ClassVar[set[str]] = {"finds-itself"}

    def score(self, query: str, passage: str) -> float:
        """The score of a passage, where it is long enough to be the next one's."""
        return 0.0 if query == passage and len(self.passages) == 10 else super().score(query, passage)


class RefusesEmoji(Sound):
    """Raises for a query beyond the first plane."""

    breaks: ClassVar[set[str]] = {"emoji"}

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """Raise for emoji."""
        if any(ord(character) > 0xFFFF for query in queries for character in query):
            raise IndexError("no such character")
        return super().search(queries, k)


class RefusesEmpty(Sound):
    """Raises for a corpus with an empty passage."""

    breaks: ClassVar[set[str]] = {"empty-text"}

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Raise for an empty passage."""
        if not all(passages):
            raise ValueError("empty")
        super().index(passages)


class Keeps(Sound):
    """Keeps the list that it was given, and reads it when it searches."""

    breaks: ClassVar[set[str]] = {"not-mutated"}

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Keep the list itself."""
        self.passages = passages  # type: ignore[assignment]


class Empties(Sound):
    """Takes the passages out of the list."""

    breaks: ClassVar[set[str]] = {"not-mutated"}

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Empty the list."""
        super().index(passages)
        if isinstance(passages, list):
            passages.clear()


class ListsOnly(Sound):
    """Takes lists alone."""

    breaks: ClassVar[set[str]] = {"sequences"}

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Raise for what cannot be added to a list."""
        super().index([] + passages)  # type: ignore[operator]  # noqa: RUF005


class Restless(Sound):
    """Breaks ties, and more, by chance."""

    breaks: ClassVar[set[str]] = {"deterministic"}

    def score(self, query: str, passage: str) -> float:
        """A score moved by a hundred-thousandth."""
        return super().score(query, passage) * (1 + 4e-5 * random.random())


class NewFingerprint(Sound):
    """Has another fingerprint at every load."""

    breaks: ClassVar[set[str]] = {"fingerprint"}

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.info = replace(Sound.info, fingerprint=uuid.uuid4().hex)


TOYS = [kind for kind in list(globals().values()) if isinstance(kind, type) and issubclass(kind, Sound)]
