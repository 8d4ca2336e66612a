"""Words of every script in ASCII, and their n-grams: what gives "Москва", "Moskva" and "Moscow" something in common.

``anyascii`` spells every script in ASCII. It knows no language, so that one word has one spelling wherever it stands.
"""

from __future__ import annotations

import re

from anyascii import anyascii

__all__ = ["ngrams_of", "romanise", "skeleton_ngrams_of"]

_ASCII_WORD = re.compile("[a-z0-9]+")
_VOWELS = re.compile("[aeiouy]")
_REPEATED = re.compile(r"(.)\1+")


def romanise(text: str) -> list[str]:
    """Return the ASCII words of a text, lowercased: "Москва, 北京" gives ["moskva", "beijing"]."""
    return _ASCII_WORD.findall(anyascii(text).lower())


def ngrams_of(word: str, shortest: int, longest: int) -> list[str]:
    """Return the n-grams of a romanised word framed by ``<`` and ``>``, short ones first."""
    framed = f"<{word}>"
    return [framed[start : start + n] for n in range(shortest, longest + 1) for start in range(len(framed) - n + 1)]


def skeleton_ngrams_of(word: str, shortest: int) -> list[str]:
    """Return n-grams of a romanised word's consonants, of two lengths, each marked with ``~``.

    Scripts that leave vowels unwritten romanise without them: "القاهرة" gives "alqahrt" and shares
    more with the consonants of "al-Qahira" than with its letters.
    """
    consonants = _REPEATED.sub(r"\1", _VOWELS.sub("", word))
    if len(consonants) < 2:
        return []
    return [f"~{ngram}" for ngram in ngrams_of(consonants, shortest, shortest + 1)]
