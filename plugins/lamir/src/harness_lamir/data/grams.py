"""The n-grams of many texts at once, as 64-bit hashes: what near duplicates have in common.

A text that is written with spaces has word 5-grams: runs of five words, whatever stands between them. A text of which
more than half the letters belong to scripts written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese,
Tibetan) has character 13-grams instead, of its letters, marks and digits alone. Punctuation never counts.

No loop runs over characters or words: texts are laid end to end as one array of code points, words are hashed as
polynomials of their letters (`numpy.add.reduceat`), and n-grams as sums over shifted words, all modulo 2 ** 64. Two
different n-grams have one hash with a probability of about 2 ** -64.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["SPACED", "UNSPACED", "Grams", "Hashes", "grams_of"]

Hashes: TypeAlias = NDArray[np.uint64]

#: Words of an n-gram of text that is written with spaces.
SPACED = 5
#: Characters of an n-gram of text that is written without.
UNSPACED = 13

#: Code points of scripts without spaces between words: first, last.
_UNSPACED_BLOCKS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x109F),  # Tibetan, Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x312F),  # CJK radicals, kana, bopomofo
    (0x31A0, 0x31FF),  # bopomofo and kana extensions
    (0x3400, 0x9FFF),  # Han
    (0xA9E0, 0xA9FF),  # Burmese extension B
    (0xAA60, 0xAA7F),  # Burmese extension A
    (0xF900, 0xFAFF),  # Han, compatibility
    (0x1AFF0, 0x1B16F),  # kana supplements
    (0x20000, 0x3FFFF),  # Han extensions
)
_CODE_POINTS = 0x110000
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that its powers never vanish modulo 2 ** 64


class Grams(NamedTuple):
    """The n-grams of N texts: those of text i are `hashes[starts[i] : starts[i + 1]]`, in order, repeated or not.

    `hashes` is (G,) uint64, `starts` (N + 1,) int64.
    """

    hashes: Hashes
    starts: NDArray[np.int64]

    @classmethod
    def none(cls, texts: int) -> Self:
        """So many texts without n-grams."""
        return cls(np.empty(0, np.uint64), np.zeros(texts + 1, np.int64))

    def of(self, text: int) -> Hashes:
        """The distinct n-grams of one text, sorted."""
        return np.unique(self.hashes[self.starts[text] : self.starts[text + 1]])


def grams_of(texts: Sequence[str]) -> Grams:
    """Hash the n-grams of `texts`, which are normalised (`data.text.normalise`) if case is not to count.

    A text of fewer words (characters) than an n-gram has none.
    """
    if not texts:
        return Grams.none(0)
    classes, values = _tables()
    points = np.frombuffer("\n".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)  # (C,)
    lengths = np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts))  # with the line end between texts
    text_of = np.repeat(np.arange(len(texts)), lengths)[: len(points)]  # (C,)
    kinds = classes[points]  # (C,) 0 between words, 1 in words, 2 in scripts without spaces

    letters = np.bincount(text_of[kinds > 0], minlength=len(texts))
    unspaced = 2 * np.bincount(text_of[kinds == 2], minlength=len(texts)) > letters  # (N,)

    in_word = kinds > 0
    begins = in_word.copy()
    begins[1:] &= ~in_word[:-1] | unspaced[text_of[1:]]  # a token is a word, or one character
    tokens, token_text = _tokens(values[points[in_word]], begins[in_word]), text_of[begins]
    return _grams(tokens, np.bincount(token_text, minlength=len(texts)), unspaced)


def _tokens(values: Hashes, begins: NDArray[np.bool_]) -> Hashes:
    """Hash tokens (T,): Σ value of letter i · base ** i, of letters (L,) that begin a token or go on with one."""
    if not len(values):
        return values
    starts = np.flatnonzero(begins)
    within = np.arange(len(values)) - np.repeat(starts, np.diff(starts, append=len(values)))
    powers = np.cumprod(np.full(int(within.max()) + 1, _BASE))
    return _mixed(np.add.reduceat(values * powers[within], starts))


def _grams(tokens: Hashes, counts: NDArray[np.int64], unspaced: NDArray[np.bool_]) -> Grams:
    """Hash the n-grams of tokens (T,), of which text i has `counts[i]`."""
    size = np.where(unspaced, UNSPACED, SPACED)
    grams = np.maximum(counts - size + 1, 0)
    starts = np.concatenate([[0], np.cumsum(grams)])
    offsets = np.cumsum(counts) - counts - starts[:-1]  # from the number of a text's n-gram to that of its first token
    first = np.arange(starts[-1]) + np.repeat(offsets, grams)  # (G,)
    long = np.repeat(unspaced, grams)
    hashes = np.zeros(len(first), np.uint64)
    for members, n in ((~long, SPACED), (long, UNSPACED)):
        at = first[members]
        total = np.zeros(len(at), np.uint64)
        for shift in range(n):
            total = total * _BASE + tokens[at + shift]
        hashes[members] = _mixed(total + np.uint64(n))
    return Grams(hashes, starts)


def _mixed(values: Hashes) -> Hashes:
    """Spread the bits of every value: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@cache
def _tables() -> tuple[NDArray[np.uint8], Hashes]:
    """What each code point is (see `grams_of`), and a 64-bit value for it."""
    categories = (unicodedata.category(chr(point))[0] for point in range(_CODE_POINTS))
    classes = np.fromiter((category in "LMN" for category in categories), np.uint8, _CODE_POINTS)
    for first, last in _UNSPACED_BLOCKS:
        classes[first : last + 1] *= 2
    return classes, _mixed((np.arange(_CODE_POINTS, dtype=np.uint64) + np.uint64(1)) * _BASE)
