"""Ids of words are theirs in every process, listed or not."""

from __future__ import annotations

import sys

from harness_lamir.backbones.lexicon.spelling import Spelling
from hypothesis import given
from hypothesis import strategies as st

WORDS = ["bridge", "river", "京"]
SPELLING = Spelling(WORDS, {word: number for number, word in enumerate(WORDS)})


@given(st.lists(st.sampled_from(WORDS) | st.text(min_size=1, max_size=5), max_size=8))
def test_words_come_back(words: list[str]) -> None:
    """Ids hold the words whole; 0 stays free for padding."""
    ids = SPELLING.ids(words)
    assert SPELLING.words(ids) == words
    assert all(number > 0 for number in ids)


def test_a_listed_word_has_one_id() -> None:
    """Any other has as many as characters, from the first code point to the last."""
    assert SPELLING.ids(["bridge", "京"]) == [1, 3]
    assert len(SPELLING.ids(["bridges"])) == 7
    assert SPELLING.words(SPELLING.ids(["\x00" + chr(sys.maxunicode), "\x00"])) == [
        "\x00" + chr(sys.maxunicode),
        "\x00",
    ]
