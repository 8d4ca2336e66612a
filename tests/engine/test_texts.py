"""Texts by position: rendered when they are taken, known by their digests before that."""

from __future__ import annotations

import numpy as np
import pytest

from harness._util.fingerprint import digests
from harness.engine.texts import Passages, Questions, Texts
from harness.sources import Corpus, Queries

PASSAGES = Passages(Corpus(["a", "b", "c"], ["T", "", "U"], ["one", "two", "three"]), "{title}\n\n{text}", "sw")
QUESTIONS = Questions(Queries(("q1", "q2", "q3"), ("x?", "y?", "x?")), "en")
ALL = [(PASSAGES, ["T\n\none", "two", "U\n\nthree"]), (QUESTIONS, ["x?", "y?", "x?"])]


@pytest.mark.parametrize(("texts", "expected"), ALL, ids=["passages", "questions"])
def test_a_sequence_of_strings(texts: Texts, expected: list[str]) -> None:
    """A searcher may index, slice, iterate and measure it like a list."""
    assert list(texts) == expected
    assert len(texts) == 3
    assert [texts[i] for i in range(-3, 3)] == [*expected, *expected]
    assert texts[1:] == expected[1:]
    assert texts[::-1] == expected[::-1]
    assert expected[1] in texts and "zzz" not in texts
    for index in (3, -4):
        with pytest.raises(IndexError):
            texts[index]


@pytest.mark.parametrize(("texts", "expected"), ALL, ids=["passages", "questions"])
def test_taken_by_position(texts: Texts, expected: list[str]) -> None:
    """In any order, with repeats, and nothing for nothing."""
    assert texts.take(np.array([2, 0, 2])) == [expected[2], expected[0], expected[2]]
    assert texts.take(np.empty(0, np.int64)) == []


@pytest.mark.parametrize(("texts", "expected"), ALL, ids=["passages", "questions"])
def test_digests_are_those_of_the_rendered_strings(texts: Texts, expected: list[str]) -> None:
    """What the store looks up is what the encoder would read."""
    assert texts.digests.tolist() == digests(expected).tolist()


def test_languages() -> None:
    """Each side knows the language it is in."""
    assert (PASSAGES.language, QUESTIONS.language) == ("sw", "en")


def test_lower_case_where_a_task_says_so() -> None:
    """Queries and rendered passages alike, title included; the digests are those of what is read."""
    corpus = Corpus(["a", "b"], ["TITLE", ""], ["Text Ä", "ΣΑΣ Ab"])
    for which, passages, question in (
        ("ascii", ["title text Ä", "ΣΑΣ ab"], "why Ä?"),
        ("unicode", ["title text ä", "σας ab"], "why ä?"),
    ):
        read = Passages(corpus, "{title} {text}", "de", which)  # type: ignore[arg-type]
        asked = Questions(Queries(("q",), ("WHY Ä?",)), "de", which)  # type: ignore[arg-type]
        assert (list(read), list(asked)) == (passages, [question])
        assert read.take(np.array([1, 0])) == passages[::-1]
        assert read.digests.tolist() == digests(passages).tolist()
        assert asked.digests.tolist() == digests([question]).tolist()
    assert list(Passages(corpus, "{text}", "de", "ascii")) == ["text Ä", "ΣΑΣ ab"]
