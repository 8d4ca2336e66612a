"""Crops: within the text, of the right length, of whole words or characters."""

from __future__ import annotations

import unicodedata
from random import Random

import pytest
from harness_lamir.objectives.crops import crop_twice, units
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Nile  flows\nnorth.", ["The", "Nile", "flows", "north."]),
        ("แม่ ไนล์", ["แ", "ม่ ", "ไ", "น", "ล์"]),
        ("東京 タワー。", ["東", "京 ", "タ", "ワ", "ー", "。"]),
        ("서울은 크다", ["서울은", "크다"]),
        ("Nile", ["N", "i", "l", "e"]),
        ("नदी", ["न", "दी"]),
        ("In Tokyo: 東京 tower", ["In", "Tokyo:", "東京", "tower"]),
        ("  ", []),
        ("", []),
    ],
)
def test_units(text: str, expected: list[str]) -> None:
    """Words where they stand apart, else characters with their marks."""
    assert units(text)[0] == expected


@given(st.text(max_size=60), st.integers(0, 999), st.floats(0.01, 1), st.floats(0.01, 1), st.integers(2, 40))
def test_crops_are_stretches_of_the_text(text: str, seed: int, one: float, two: float, window: int) -> None:
    """A crop is a run of units, as long as its share of the window allows, and empty only if the text is."""
    shortest, longest = sorted((one, two))
    parts, between = units(text)
    for crop in crop_twice(text, Random(seed), shortest=shortest, longest=longest, window=window):
        if not parts:
            assert crop == text
            continue
        most = min(len(parts), window)
        runs = {
            between.join(parts[i : i + n]).strip()
            for n in range(max(1, round(shortest * most)), max(1, round(longest * most)) + 1)
            for i in range(len(parts) - n + 1)
        }
        assert crop in runs
        assert not unicodedata.category(crop[0]).startswith("M") or crop[0] == text.strip()[0] or between


def test_lengths_spread_over_their_range() -> None:
    """Of 100 words with 10 to 50 %, crops of every length in between turn up, and both crops come from one window."""
    text = " ".join(f"w{i}" for i in range(1000))
    rng = Random(1)
    lengths = set()
    for _ in range(600):
        first, second = (
            [int(word[1:]) for word in crop.split()]
            for crop in crop_twice(text, rng, shortest=0.1, longest=0.5, window=100)
        )
        lengths |= {len(first), len(second)}
        assert max(*first, *second) - min(*first, *second) < 100
    assert (min(lengths), max(lengths)) == (10, 50) and len(lengths) == 41
