"""Text to words, in every script: what a dictionary would list.

Scripts that put spaces between words are cut at them. Chinese, Japanese, Thai, Lao, Khmer and Burmese are not written
with spaces: their runs are cut into words of a lexicon, by dynamic programming, so that as few words as possible and
as few characters outside of words as possible remain.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

import regex

__all__ = ["Segmenter", "fold", "pieces", "unspaced"]

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]+")
#: Arabic and Hebrew vowel signs and the Arabic stretching mark: dictionaries write them, texts do not.
_VOWEL_SIGNS = regex.compile(r"[\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
#: Arabic letters that are written one for another: alefs, final yas, ta marbuta and ha, carriers of hamza.
_LETTERS = str.maketrans("أإآٱىةؤئ", "ااااي\u0647وي")
_LONGEST = 12  # characters of a word in an unspaced script
_STRANGER = 3.0  # cost of a character outside every word, where a word costs 1


def fold(text: str) -> str:
    """Return the text without differences that writers do not keep: NFKC, case, vowel signs of Arabic and Hebrew."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return _VOWEL_SIGNS.sub("", folded).translate(_LETTERS)


def pieces(text: str) -> list[tuple[str, bool]]:
    """Return the words of a folded text, and its runs of unspaced script, which are marked True, in order."""
    found: list[tuple[str, bool]] = []
    for match in _WORD.finditer(text):
        word, position = match.group(), 0
        for run in _UNSPACED.finditer(word):
            if run.start() > position:
                found.append((word[position : run.start()], False))
            found.append((run.group(), True))
            position = run.end()
        if position < len(word):
            found.append((word[position:], False))
    return found


def unspaced(word: str) -> bool:
    """Whether a word is written wholly in a script without spaces, and short enough to be cut out of a run."""
    return len(word) <= _LONGEST and _UNSPACED.fullmatch(word) is not None


class Segmenter:
    """Cuts texts into words.

    Args:
        lexicon: the words that runs of unspaced script are cut into; other words in it do no harm.
    """

    def __init__(self, lexicon: Collection[str]) -> None:
        """Keep the lexicon; see the class."""
        self._lexicon = lexicon

    def __call__(self, text: str) -> list[str]:
        """Return the words of a text, folded, in order; none for a text without letters and digits."""
        words: list[str] = []
        for piece, run in pieces(fold(text)):
            words += self._cut(piece) if run else [piece]
        return words

    def _cut(self, run: str) -> list[str]:
        """Cut a run of unspaced script at least cost; of equal costs, longer words come first."""
        size = len(run)
        cost = [0.0] * (size + 1)
        following = [0] * (size + 1)
        for start in range(size - 1, -1, -1):
            best, end = cost[start + 1] + _STRANGER, start + 1
            for stop in range(start + 1, min(size, start + _LONGEST) + 1):
                if run[start:stop] in self._lexicon and cost[stop] + 1.0 <= best:
                    best, end = cost[stop] + 1.0, stop
            cost[start], following[start] = best, end
        words, start = [], 0
        while start < size:
            words.append(run[start : following[start]])
            start = following[start]
        return words
