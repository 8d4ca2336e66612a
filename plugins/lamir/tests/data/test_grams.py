"""N-grams by arrays are the n-grams that one would write down by hand."""

from __future__ import annotations

import numpy as np
import pytest
from harness_lamir.data.grams import SPACED, UNSPACED, grams_of
from hypothesis import given, settings
from hypothesis import strategies as st

SPACED_LETTERS, UNSPACED_LETTERS, BETWEEN = "ab\u0301é7न\u093f", "日ひカกខ", " ,.।\u200d-\n"
TEXTS = st.lists(
    st.one_of(
        st.text(SPACED_LETTERS + "   ,", max_size=60),
        st.text(UNSPACED_LETTERS + " .", max_size=60),
        st.text(SPACED_LETTERS + UNSPACED_LETTERS + BETWEEN, max_size=60),
    ),
    max_size=8,
)


def by_hand(text: str) -> list[tuple[str, ...]]:
    """The n-grams of a text over the letters above, as tuples of words or characters."""
    letters = [c for c in text if c in SPACED_LETTERS + UNSPACED_LETTERS]
    if 2 * sum(c in UNSPACED_LETTERS for c in letters) > len(letters):
        tokens, n = letters, UNSPACED
    else:
        tokens, n = "".join(c if c in SPACED_LETTERS + UNSPACED_LETTERS else " " for c in text).split(), SPACED
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


@given(TEXTS)
@settings(deadline=None)
def test_hashes_stand_for_the_ngrams(texts: list[str]) -> None:
    """As many hashes as n-grams, in order; equal n-grams have equal hashes, different ones different hashes."""
    grams = grams_of(texts)
    names: dict[tuple[str, ...], int] = {}
    for number, text in enumerate(texts):
        hashes = grams.hashes[grams.starts[number] : grams.starts[number + 1]].tolist()
        expected = by_hand(text)
        assert len(hashes) == len(expected)
        assert all(names.setdefault(gram, code) == code for gram, code in zip(expected, hashes, strict=True))
    assert len(set(names.values())) == len(names)


@given(TEXTS)
@settings(deadline=None)
def test_a_text_has_the_same_ngrams_alone(texts: list[str]) -> None:
    """What else is hashed with a text changes nothing."""
    together = grams_of(texts)
    for number, text in enumerate(texts):
        assert np.array_equal(together.of(number), grams_of([text]).of(0))


@pytest.mark.parametrize("order", ["a b c d e", "e d c b a", "b a c d e", "ab c d e f", "a bc d e f"])
def test_order_and_borders_of_words_count(order: str) -> None:
    """Words in another order, or letters in other words, are other n-grams."""
    assert np.array_equal(grams_of([order]).hashes, grams_of(["a b c d e"]).hashes) == (order == "a b c d e")


def test_a_long_word_is_one_word() -> None:
    """A word of 100,000 letters is hashed like any other, and its last letter counts."""
    long = "x" * 100_000
    hashes = grams_of([f"a b {long}y c d", f"a b {long}z c d", f"a b {long}y c d"]).hashes
    assert hashes[0] == hashes[2] != hashes[1]
