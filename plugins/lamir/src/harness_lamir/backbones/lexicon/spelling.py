"""Words as ids that mean the same in every process: a listed word is its number, any other one is spelt out.

    0                  padding
    1 … W              the words of the lexicon, in its order
    W + 1 + c          a word that is not listed, character by character: code point c,
    W + 1 + C + c      and, in its last place, code point c again, raised by the number C of code points

Ids say all there is to know of a word: no list of words that were met before has to be kept for them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Spelling"]

_CODES = sys.maxunicode + 1


class Spelling:
    """Words to ids and back.

    Args:
        words: the listed words, distinct.
        numbers: the place of each in `words`.
    """

    def __init__(self, words: Sequence[str], numbers: Mapping[str, int]) -> None:
        """Keep both; see the class."""
        self._words = words
        self._numbers = numbers
        self._first = len(words) + 1  # id of code point 0

    def ids(self, words: Iterable[str]) -> list[int]:
        """Return the ids of words, none of them empty, one after another."""
        found: list[int] = []
        for word in words:
            number = self._numbers.get(word)
            if number is None:
                found += [self._first + ord(character) for character in word]
                found[-1] += _CODES
            else:
                found.append(number + 1)
        return found

    def words(self, ids: Iterable[int]) -> list[str]:
        """Return the words of ids that `ids` gave, and of nothing else."""
        found: list[str] = []
        spelt: list[str] = []
        for number in ids:
            code = number - self._first
            if code < 0:
                found.append(self._words[number - 1])
            elif code < _CODES:
                spelt.append(chr(code))
            else:
                found.append("".join(spelt) + chr(code - _CODES))
                spelt.clear()
        return found
