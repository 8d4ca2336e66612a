"""What a word contributes to a text: English stems and character n-grams, worked out once."""

from __future__ import annotations

import zlib
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from harness_lamir.backbones.lexicon.table import Lexicon
from harness_lamir.backbones.romanised import ngrams_of, romanise, skeleton_ngrams_of

__all__ = ["Features", "WordFeatures"]

_REMEMBERED = 6_000_000  # features that are kept at hand: those of some 200,000 words


class Features(NamedTuple):
    """The features of a word.

    Attributes:
        stems: (n,) int64 numbers of stems.
        values: (n,) float32, how much of each.
        ngrams: (m,) int32 buckets; one that several n-grams share comes several times.
    """

    stems: NDArray[np.int64]
    values: NDArray[np.float32]
    ngrams: NDArray[np.int32]


class WordFeatures:
    """Words to features. Those of recent words are kept at hand; what is there changes no answer.

    Args:
        lexicon: gives the stems.
        shortest: length of the shortest n-grams of the romanised word, framed by `<` and `>`.
        longest: that of the longest.
        buckets: numbers that n-grams share; at most 2**31.
    """

    def __init__(self, lexicon: Lexicon, *, shortest: int, longest: int, buckets: int) -> None:
        """Keep the arguments; see the class."""
        self._lexicon = lexicon
        self._shortest, self._longest, self._buckets = shortest, longest, buckets
        self._forget()

    def __call__(self, word: str) -> Features:
        """Return the features of a folded word."""
        found = self._known.get(word)
        if found is None:
            if self._room <= 0:
                self._forget()
            found = self._known[word] = Features(*self._lexicon.mixture(word), self.ngrams(word))
            self._room -= 1 + len(word) + len(found.stems) + len(found.ngrams)
        return found

    def __deepcopy__(self, memo: object) -> Self:
        """Return the object itself: copies of a backbone learn other weights, and read the same features."""
        return self

    def ngrams(self, word: str) -> NDArray[np.int32]:
        """Return the buckets of a word's n-grams: of its letters, and of its consonants alone."""
        shortest, longest, buckets, crc32 = self._shortest, self._longest, self._buckets, zlib.crc32
        found = [
            crc32(ngram.encode()) % buckets
            for piece in romanise(word)
            for ngram in [*ngrams_of(piece, shortest, longest), *skeleton_ngrams_of(piece, shortest)]
        ]
        return np.array(found, np.int32)

    def _forget(self) -> None:
        self._known: dict[str, Features] = {}
        self._room = _REMEMBERED
