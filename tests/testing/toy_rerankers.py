"""Toy rerankers: a sound one, and one for each way of being broken. `breaks` names the checks that must fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from harness.encoders.protocols import EncoderInfo

Pairs = Sequence[tuple[str, str]]


class Sound:
    """Shared letters, of those of both."""

    breaks: ClassVar[set[str]] = set()
    info = EncoderInfo(name="toy", dim=0, fingerprint="toy")

    def __init__(self, options: Any = None) -> None:
        pass

    def one(self, query: str, passage: str) -> float:
        """The score of one pair."""
        return len(set(query) & set(passage)) / max(1, len(set(query) | set(passage)))

    def score(self, pairs: Pairs, **languages: str | None) -> Any:
        """Scores (n,) float32."""
        return np.array([self.one(*pair) for pair in pairs], dtype=np.float32)


class Sized(Sound):
    """Declares a dimension."""

    breaks: ClassVar[set[str]] = {"declaration"}
    info = replace(Sound.info, dim=3)


class Listed(Sound):
    """Returns a list for one pair of short texts."""

    breaks: ClassVar[set[str]] = {"shape"}

    def score(self, pairs: Pairs, **languages: str | None) -> Any:
        """No array for no pairs, but one of two axes."""
        return super().score(pairs) if len(pairs) else np.empty((0, 1), np.float32)


class Doubles(Sound):
    """Returns float64."""

    breaks: ClassVar[set[str]] = {"dtype"}

    def score(self, pairs: Pairs, **languages: str | None) -> Any:
        """Scores in double precision."""
        return super().score(pairs).astype(np.float64)


class NanForMars(Sound):
    """Has no number for one passage."""

    breaks: ClassVar[set[str]] = {"finite"}

    def one(self, query: str, passage: str) -> float:
        """NaN for one pair."""
        return float("nan") if passage == "Mars" else super().one(query, passage)


class Sorted(Sound):
    """Leaves the pairs in order of length."""

    breaks: ClassVar[set[str]] = {"order"}

    def score(self, pairs: Pairs, **languages: str | None) -> Any:
        """Scores in another order."""
        return super().score(sorted(pairs, key=lambda pair: len(pair[1])))


class BatchScaled(Sound):
    """Computes otherwise in large batches."""

    breaks: ClassVar[set[str]] = {"companions"}

    def score(self, pairs: Pairs, **languages: str | None) -> Any:
        """Scores moved by a batch of more than ten."""
        return super().score(pairs) * np.float32(0.5 if len(pairs) > 10 else 1)


class Unmasked(Sound):
    """Reads padding beside much longer texts."""

    breaks: ClassVar[set[str]] = {"padding"}

    def score(self, pairs: Pairs, **languages: str | None) -> Any:
        """Scores moved by the longest passage."""
        longest = max((len(passage) for _, passage in pairs), default=0)
        return super().score(pairs) * np.float32(0.5 if 1000 < longest < 10_000 else 1)


class Constant(Sound):
    """Gives every pair one score."""

    breaks: ClassVar[set[str]] = {"distinct"}

    def one(self, query: str, passage: str) -> float:
        """The score."""
        return 0.5


class RefusesEmpty(Sound):
    """Raises for an empty passage, and for an empty passage alone."""

    breaks: ClassVar[set[str]] = {"empty-text"}

    def one(self, query: str, passage: str) -> float:
        """Raise where there is nothing."""
        if not passage:
            raise ValueError("empty")
        return super().one(query, passage)


class Deaf(Sound):
    """Takes no languages."""

    breaks: ClassVar[set[str]] = {"language"}

    def score(self, pairs: Pairs) -> Any:  # type: ignore[override]
        """Scores of pairs alone."""
        return super().score(pairs)


class Pops(Sound):
    """Empties the list that it was given."""

    breaks: ClassVar[set[str]] = {"not-mutated"}

    def score(self, pairs: Pairs, **languages: str | None) -> Any:
        """Scores, and an empty list."""
        scores = super().score(pairs)
        if isinstance(pairs, list) and len(pairs) == 5 and len(set(pairs)) == 5 and pairs[0][1] == pairs[1][1]:
            pairs.clear()
        return scores


class ListsOnly(Sound):
    """Takes lists alone."""

    breaks: ClassVar[set[str]] = {"sequences"}

    def score(self, pairs: Pairs, **languages: str | None) -> Any:
        """Raise for what cannot be added to a list."""
        return super().score([] + pairs)  # type: ignore[operator]  # noqa: RUF005


TOYS = [kind for kind in list(globals().values()) if isinstance(kind, type) and issubclass(kind, Sound)]
