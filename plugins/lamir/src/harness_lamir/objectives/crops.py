"""Random crops of a text, of words or of characters.

A text is a row of units. Where words stand apart the units are words, as split at white space. Scripts that write no
spaces (Han, Kana, Thai, Lao, Tibetan, Myanmar, Khmer) have as units characters, each with the marks that follow it, so
that no crop begins with a combining mark; a text counts as such if most of its letters are of these scripts, or if it
is a single word. White space belongs to the character before it.
"""

from __future__ import annotations

import unicodedata
from random import Random

__all__ = ["crop_twice", "units"]

#: First and last code points of scripts without spaces between words.
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han
    (0x20000, 0x3FFFF),  # Han
)


def units(text: str) -> tuple[list[str], str]:
    """Return the units of a text, and what joins them: words and a space, or characters and nothing."""
    words = text.split()
    letters = [char for char in text if char.isalpha()]
    unspaced = sum(any(low <= ord(char) <= high for low, high in _UNSPACED) for char in letters)
    if len(words) > 1 and 2 * unspaced <= len(letters):
        return words, " "
    clusters: list[str] = []
    for char in text.strip():
        if clusters and (char.isspace() or char == "\u200d" or unicodedata.category(char).startswith("M")):
            clusters[-1] += char
        else:
            clusters.append(char)
    return clusters, ""


def crop_twice(text: str, rng: Random, *, shortest: float, longest: float, window: int) -> tuple[str, str]:
    """Return two random crops of a text, which may overlap.

    Args:
        text: the text. One without units is returned as it is, twice.
        rng: the only source of chance.
        shortest: share of the units that a crop has at least; one unit it always has.
        longest: share of the units that a crop has at most.
        window: of a text with more units, a random stretch of so many takes its place.
    """
    parts, between = units(text)
    if not parts:
        return text, text
    if len(parts) > window:
        start = rng.randrange(len(parts) - window + 1)
        parts = parts[start : start + window]
    crops = []
    for _ in range(2):
        length = min(len(parts), max(1, round(rng.uniform(shortest, longest) * len(parts))))
        start = rng.randrange(len(parts) - length + 1)
        crops.append(between.join(parts[start : start + length]).strip())
    return crops[0], crops[1]
