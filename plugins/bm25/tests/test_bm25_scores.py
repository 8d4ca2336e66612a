"""Scores against the formulas in double precision."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest
from harness_bm25.plugin import Bm25Options
from harness_bm25.searcher import Bm25Searcher
from hypothesis import given, settings
from hypothesis import strategies as st

Method = Literal["lucene", "robertson", "atire"]


def oracle(passages: Sequence[str], query: str, method: Method, k1: float, b: float) -> list[float]:
    """BM25 as Kamphuis et al. (ECIR 2020, table 1) write the variants, one passage and one word at a time."""
    counts = [Counter(passage.split()) for passage in passages]
    lengths = [sum(count.values()) for count in counts]
    n, average = len(passages), sum(lengths) / max(1, len(lengths))
    scores = []
    for count, length in zip(counts, lengths, strict=True):
        score = 0.0
        for word in query.split():
            tf, df = count[word], sum(word in other for other in counts)
            if not tf:
                continue
            norm = k1 * (1 - b + b * length / average)
            if method == "lucene":
                score += math.log(1 + (n - df + 0.5) / (df + 0.5)) * tf / (tf + norm)
            elif method == "robertson":  # bm25s lets no word count against a passage
                score += max(0.0, math.log((n - df + 0.5) / (df + 0.5))) * tf / (tf + norm)
            else:
                score += math.log(n / df) * tf * (k1 + 1) / (tf + norm)
        scores.append(score)
    return scores


texts = st.lists(st.sampled_from(["ada", "bel", "cor", "dis", "eno"]), max_size=9).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(
    passages=st.lists(texts, max_size=9),
    query=texts,
    method=st.sampled_from(["lucene", "robertson", "atire"]),
    k1=st.sampled_from([0.0, 0.9, 1.2, 3.0]),
    b=st.sampled_from([0.0, 0.4, 0.75, 1.0]),
    k=st.integers(1, 12),
)
def test_scores_are_the_formulas(passages: list[str], query: str, method: Method, k1: float, b: float, k: int) -> None:
    """Every hit has the score of the formula, in order, and what is left out scores no more than what is not."""
    searcher = Bm25Searcher(Bm25Options(method=method, k1=k1, b=b))
    searcher.index(passages, language="qaa")
    positions, scores = searcher.search([query], k, language="qaa")
    assert positions.shape == scores.shape == (1, k)
    expected = np.array(oracle(passages, query, method, k1, b))
    hits = positions[0][positions[0] >= 0]
    assert len(hits) == min(k, int((expected > 1e-9).sum())) == len(set(hits.tolist()))
    np.testing.assert_allclose(scores[0][: len(hits)], expected[hits], rtol=2e-6)
    assert (positions[0][len(hits) :] == -1).all() and (scores[0][len(hits) :] == 0).all()
    assert (np.diff(scores[0]) <= 0).all()
    if len(hits):
        left = np.delete(expected, hits)
        assert left.max(initial=0) <= expected[hits].min() * (1 + 2e-6)


def test_a_worked_example() -> None:
    """Two passages of two and four words: ln(1 + 1.5 / 1.5) · 1 / (1 + 1.2 · (0.25 + 0.75 · 2 / 3))."""
    searcher = Bm25Searcher(Bm25Options())
    searcher.index(["ada bel", "cor dis eno fil"])
    positions, scores = searcher.search(["ada"], 2)
    assert positions.tolist() == [[0, -1]]
    assert scores[0, 0] == pytest.approx(math.log(2) / (1 + 1.2 * (0.25 + 0.75 * 2 / 3)), rel=1e-6)


def test_a_word_asked_twice_counts_twice() -> None:
    """As in Lucene, where a query is a sum over its words."""
    searcher = Bm25Searcher(Bm25Options())
    searcher.index(["ada bel", "cor"])
    _, scores = searcher.search(["ada", "ada ada"], 1)
    assert scores[1, 0] == pytest.approx(2 * scores[0, 0])


def test_equal_passages_tie_and_keep_their_order() -> None:
    """Equal texts have one score to the bit, and of ties the earlier ones are within the cut."""
    searcher = Bm25Searcher(Bm25Options())
    searcher.index(["cor", *["ada bel dis"] * 50, "ada"])
    positions, scores = searcher.search(["dis bel ada"], 7)
    assert positions.tolist() == [[1, 2, 3, 4, 5, 6, 7]]
    assert len(set(scores[0].tolist())) == 1
