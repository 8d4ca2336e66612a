r"""From a text to its words: one Unicode form, one case, and runs of letters, marks and digits.

A word is `[\p{L}\p{M}\p{N}]+`. The usual `\b\w\w+\b` is not: `\w` leaves out the vowel signs of Indic scripts,
so that "राजधानी" falls to pieces of one letter each, which the pattern then drops.
"""

from __future__ import annotations

import unicodedata

import regex

from harness.encoders.text import without_surrogates

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
#: Full-width Latin and half-width Katakana and Hangul, which Lucene's CJKWidthFilter folds too.
_WIDTH = regex.compile(r"[\uff01-\uff5e\uff65-\uffdc]+")
#: A non-joiner of Persian, Urdu or Kurdish parts a word from its endings; in Indic scripts it only shapes a letter.
_PARTING = regex.compile(r"\u200b|(?<=\p{Arabic}\p{M}*)\u200c")
#: What shows nothing itself: joiners, marks of direction, soft hyphens, selectors of a glyph.
_INVISIBLE = regex.compile(r"[\p{Cf}\p{Variation_Selector}]+")
_DIGIT = regex.compile(r"[^\P{Nd}0-9]")


def words(text: str, *, dotless: bool = False) -> list[str]:
    """The words of `text` in order, each normalised as `normalise` does."""
    found: list[str] = _WORD.findall(normalise(text, dotless=dotless))
    return found


def normalise(text: str, *, dotless: bool = False) -> str:
    """`text` in NFC and one case, digits of every script as 0 to 9.

    Full case folding (Unicode, section 3.13) and not lower case: ß is ss, as the Swiss write it, and a final ς is σ.
    İ is i; where `dotless`, as in Turkish and Azerbaijani, I is ı. Canonically equivalent texts come out equal.
    """
    if text.isascii():
        return (text.replace("I", "ı") if dotless else text).casefold()
    text = _WIDTH.sub(_compatible, without_surrogates(text))
    text = unicodedata.normalize("NFC", text)
    text = _INVISIBLE.sub("", _PARTING.sub(" ", text))
    text = _DIGIT.sub(_decimal, text).replace("İ", "i")
    if dotless:
        text = text.replace("I", "ı")
    return unicodedata.normalize("NFC", text.casefold())


def _compatible(found: regex.Match[str]) -> str:
    return unicodedata.normalize("NFKC", found[0])


def _decimal(found: regex.Match[str]) -> str:
    value = unicodedata.decimal(found[0], None)  # None for digits younger than this Python's Unicode
    return found[0] if value is None else str(value)
