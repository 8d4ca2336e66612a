"""Text to words, in every script: what a dictionary would list.

Scripts that put spaces between words are cut at them. Chinese, Japanese, Thai, Lao, Khmer and Burmese are not written
with spaces: their runs are cut into words of a lexicon, by dynamic programming, so that as few words as possible and
as few characters outside of words as possible remain.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

import regex

__all__ = ["FIRST_UNSPACED", "Segmenter", "fold", "ideograph", "pieces", "unspaced"]

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+")  # the same where all is ASCII, in a fraction of the time
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]+")
FIRST_UNSPACED = "\u0e01"  #: no character of those scripts comes before it
#: Arabic and Hebrew vowel signs and the Arabic stretching mark: dictionaries write them, texts do not. The dot that is
#: left of Turkish İ in lower case, soft hyphens and joiners: they would cut words, or tell equal ones apart.
_UNSAID = regex.compile(r"[\u00ad\u0307\u200d\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
#: Arabic letters that are written one for another: alefs, final yas, ta marbuta and ha, carriers of hamza.
_LETTERS = str.maketrans("أإآٱىةؤئ", "ااااي\u0647وي")
_LONGEST = 12  # characters of a word in an unspaced script
_STRANGER = 3.0  # cost of a character outside every word, where a word costs 1


def fold(text: str) -> str:
    """Return the text without differences that writers do not keep: NFKC, case, vowel signs of Arabic and Hebrew."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).lower()
    return str(_UNSAID.sub("", folded)).translate(_LETTERS)


def pieces(text: str) -> list[tuple[str, bool]]:
    """Return the words of a folded text, and its runs of unspaced script, which are marked True, in order."""
    if text.isascii():
        return [(word, False) for word in _ASCII_WORD.findall(text)]
    found: list[tuple[str, bool]] = []
    for word in _WORD.findall(text):
        if max(word) < FIRST_UNSPACED:
            found.append((word, False))
            continue
        position = 0
        for run in _UNSPACED.finditer(word):
            if run.start() > position:
                found.append((word[position : run.start()], False))
            found.append((run.group(), True))
            position = run.end()
        if position < len(word):
            found.append((word[position:], False))
    return found


def unspaced(word: str) -> bool:
    """Whether a word may be cut out of a run: it is of unspaced script, not too long, and more than a letter.

    An ideograph or a kana by itself is a word; a Thai letter is none, and would cut unknown names to pieces.
    """
    if len(word) > _LONGEST or not _UNSPACED.fullmatch(word):
        return False
    return len(word) > 1 or ideograph(word)


def ideograph(character: str) -> bool:
    """Whether a character is a word by itself, as ideographs and kana are."""
    return "\u3040" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"


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
        words: list[str] = []
        start = stranger = 0  # strangers in a row make one word: a name, most often
        while start < size:
            stop = following[start]
            if run[start:stop] in self._lexicon:
                words += [run[stranger:start]] if stranger < start else []
                words.append(run[start:stop])
                stranger = stop
            start = stop
        return words + ([run[stranger:]] if stranger < size else [])
