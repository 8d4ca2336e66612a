"""What a searcher answers, held to its contract, and its ties at the cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.encoders.protocols import EncoderInfo
from harness.engine import ask as module
from harness.engine.ask import ask
from harness.engine.texts import Questions
from harness.errors import EncoderContractError
from harness.sources.collection import Queries

DEPTH = 3


class Table:
    """A searcher with a score for each query and passage, which leaves ties in the order of the corpus, or reversed."""

    info = EncoderInfo(name="table", dim=0, fingerprint="t" * 64)

    def __init__(self, scores: Any, *, backwards: bool = False) -> None:
        self._scores = np.asarray(scores, dtype=np.float32)
        self._backwards = backwards
        self.asked: list[tuple[int, int]] = []

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Nothing: the table is there already."""

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """The best `k` whose score is not 0; a query is the number of its row."""
        self.asked.append((len(queries), k))
        positions = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for row, query in enumerate(queries):
            values = self._scores[int(query)]
            found = np.flatnonzero(values)[:: -1 if self._backwards else 1]
            found = found[np.argsort(-values[found], kind="stable")][:k]
            positions[row, : len(found)], scores[row, : len(found)] = found, values[found]
        return positions, scores


class Fixed(Table):
    """A searcher that answers what it was given, right or wrong."""

    info = EncoderInfo(name="fixed", dim=0, fingerprint="x" * 64)

    def __init__(self, positions: Any, scores: Any) -> None:
        super().__init__([])
        self._answer = positions, scores

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """Always the same."""
        self.asked.append((len(queries), k))
        return self._answer


def _questions(count: int) -> Questions:
    names = tuple(map(str, range(count)))
    return Questions(Queries(names, names), "sw")


def _hits(searcher: Table, queries: int, tie_order: Sequence[int], depth: int = DEPTH) -> list[list[int]]:
    found = ask(searcher, _questions(queries), depth=depth, tie_order=np.array(tie_order, dtype=np.int64))
    assert found.positions.shape == found.scores.shape == (queries, depth)
    return [row[row >= 0].tolist() for row in found.positions]


@given(data=st.data())
def test_any_tie_is_decided_by_the_order_of_the_ids(data: st.DataObject) -> None:
    """Whatever a searcher returns of passages that tie, the hits are those of a full sort by score and id."""
    passages = data.draw(st.integers(1, 40))
    queries = data.draw(st.integers(1, 4))
    row = st.lists(st.integers(0, 3), min_size=passages, max_size=passages)
    scores = data.draw(st.lists(row, min_size=queries, max_size=queries))
    ties = data.draw(st.permutations(range(passages)))
    searcher = Table(scores, backwards=data.draw(st.booleans()))
    depth = data.draw(st.integers(1, 6))
    expected = [
        sorted((i for i in range(passages) if row[i]), key=lambda i: (row[i], ties[i]), reverse=True)[:depth]
        for row in scores
    ]
    assert _hits(searcher, queries, ties, depth) == expected


def test_only_queries_that_tie_at_the_cut_are_asked_again() -> None:
    """A second question is for the queries that need it, four times as wide, and ends where the tie ends."""
    flat, steep, lucky = [1] * 20, list(range(20, 0, -1)), [9, 8, 7] + [1] * 17
    searcher = Table([flat, steep, lucky])
    assert _hits(searcher, 3, range(20)) == [[19, 18, 17], [0, 1, 2], [0, 1, 2]]
    assert searcher.asked == [(3, DEPTH + 1), (1, 16), (1, 20)]


def test_many_ties_are_asked_for_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The arrays of a second question stay small, whatever the number of queries."""
    monkeypatch.setattr(module, "_CELLS", 32)
    searcher = Table([[1] * 12] * 5)
    assert _hits(searcher, 5, range(12)) == [[11, 10, 9]] * 5
    assert searcher.asked == [(5, 4), (2, 12), (2, 12), (1, 12)]


def test_a_searcher_that_never_gives_more_is_not_asked_for_ever() -> None:
    """Where the second answer is as short as the first, it is taken as it is."""
    searcher = Fixed([[0, 1, 2, 3]], [[1.0] * 4])
    assert _hits(searcher, 1, range(9)) == [[3, 2, 1]]
    assert searcher.asked == [(1, 4), (1, 9)]


@pytest.mark.parametrize(
    ("positions", "scores"),
    [
        ([[0, 1]], [[1.0, 0.5]]),
        ([[0, 1], [1, 0]], [[1.0], [0.5]]),
        ([[0, 5], [1, 0]], [[1.0, 0.5]] * 2),
        ([[0, -2], [1, 0]], [[1.0, 0.5]] * 2),
        ([0, 1], [1.0, 0.5]),
        ([[0, 1], [2, 2]], [[1.0, 0.5]] * 2),
    ],
    ids=["too few rows", "shapes differ", "beyond the corpus", "below −1", "flat", "twice the same"],
)
def test_a_searcher_that_breaks_its_contract_is_refused(positions: Any, scores: Any) -> None:
    """Rows for other queries and positions outside the corpus are the searcher's error, not an index error of ours."""
    with pytest.raises(EncoderContractError, match="fixed"):
        _hits(Fixed(positions, scores), 2, range(5))


def test_a_searcher_may_return_more_than_was_asked() -> None:
    """Lists and longer rows are accepted and cut at the depth."""
    assert _hits(Fixed([[0, 1, 2, 3, 4, -1]] * 2, [[1.0] * 6] * 2), 2, range(5)) == [[4, 3, 2]] * 2


def test_a_searcher_may_return_fewer_columns_than_were_asked() -> None:
    """What is missing is no hit."""
    assert _hits(Fixed([[1], [0]], [[1.0], [2.0]]), 2, range(5)) == [[1], [0]]


def test_nothing_is_found_in_an_empty_corpus() -> None:
    """No passages have no hits, and no queries have none either."""
    assert _hits(Fixed([[-1] * 4], [[0.0] * 4]), 1, []) == [[]]
    assert _hits(Table([[]]), 0, []) == []
