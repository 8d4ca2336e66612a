"""Answer recall as DPR's has_answer decides it."""

from __future__ import annotations

import tracemalloc
import unicodedata
from typing import Any

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics import parse
from harness.metrics.answers import first_match, score_answer_matches


def _has_answer(answers: list[str], text: str) -> bool:
    """`has_answer` of DPR with match type "string", transcribed; answers without a token are left out."""
    pattern = regex.compile(
        r"([\p{L}\p{N}\p{M}]+)|([^\p{Z}\p{C}])", flags=regex.IGNORECASE + regex.UNICODE + regex.MULTILINE
    )

    def words(value: str) -> list[str]:
        return [match.group().lower() for match in pattern.finditer(unicodedata.normalize("NFD", value))]

    tokens = words(text)
    for single_answer in answers:
        answer = words(single_answer)
        for i in range(len(tokens) - len(answer) + 1):
            if answer and answer == tokens[i : i + len(answer)]:
                return True
    return False


@pytest.mark.parametrize(
    ("answer", "passage", "expected"),
    [
        ("Nile", "The Nile flows north.", True),
        ("nile", "The NILE flows north.", True),
        ("10", "It opened in 1910.", False),
        ("New York, NY", "He lived in New York , NY in 1910.", True),
        ("$5.5", "It cost $5.5 million.", True),
        ("art", "They departed.", False),
        ("flows north", "The Nile flows, north", False),
        ("north", "The Nile flows north.", True),
        ("é", "e\u0301", True),
        ("Yorùbá", "Yoruba", False),
        ("Yorùbá", "YORÙBÁ", True),
        ("don't", "They don ' t", True),
        ("尼罗河", "尼罗河 flows", True),
        ("尼罗河", "尼罗河流", False),
        ("a b", "a\u00a0b", True),
        ("", "anything", False),
        (" ", "anything", False),
        ("longer than the passage", "longer", False),
        ("yes", "yes it is", True),
    ],
)
def test_hand_worked(answer: str, passage: str, expected: bool) -> None:
    """A match is a run of whole tokens, without regard to case or to composed and decomposed letters."""
    assert (first_match([answer], [passage]) is not None) == expected
    assert _has_answer([answer], passage) == expected


_text = st.lists(st.sampled_from(["Nile", "nile", "10", "1910", ",", "é", "e\u0301", " ", "-", "ß", "İ", "নী"])).map(
    "".join
)


@given(answers=st.lists(_text, max_size=3), passages=st.lists(_text, max_size=4))
def test_first_match_equals_dpr(answers: list[str], passages: list[str]) -> None:
    """The rank found is that of the first passage that DPR's rule accepts."""
    expected = next((rank for rank, passage in enumerate(passages) if _has_answer(answers, passage)), None)
    assert first_match(answers, passages) == expected


def test_scores_by_depth() -> None:
    """A question is a hit at k when an answer stands in one of the first k passages."""
    contexts: dict[str, Any] = {"a": ["x", "x", "Nile"], "b": iter(["Nile"]), "c": []}
    measures = [parse(f"answer-recall@{k}") for k in (1, 2, 3)]
    answers = {"a": ["Nile"], "b": ["Congo", "nile"], "c": ["Nile"], "d": ["Nile"], "e": []}
    scored = score_answer_matches(answers, contexts, measures)
    assert scored == {
        "answer-recall@1": {"a": 0.0, "b": 1.0, "c": 0.0, "d": 0.0},
        "answer-recall@2": {"a": 0.0, "b": 1.0, "c": 0.0, "d": 0.0},
        "answer-recall@3": {"a": 1.0, "b": 1.0, "c": 0.0, "d": 0.0},
    }


def test_memory_of_what_is_remembered() -> None:
    """A passage of a hundred words costs about its own length: tens of thousands of them are remembered."""
    passages = [" ".join(f"word{n}of{i}" for i in range(100)) for n in range(300)]
    tracemalloc.start()
    assert first_match(["Nile"], passages) is None
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 2 * sum(map(len, passages))
