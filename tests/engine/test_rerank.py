"""Reranking: the first hits in the reranker's order, the others as they were, and scores that keep it so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.encoders.protocols import EncoderInfo
from harness.engine import rerank as module
from harness.engine.plan import Job
from harness.engine.rerank import rerank
from harness.engine.search import Hits
from harness.errors import EncoderContractError
from harness.metrics.ranking import ranked
from harness.tasks.model import Subset

CORPUS = {f"p{i:02d}": f"passage {i}" for i in range(12)}
QUERIES = {"q1": "one?", "q2": "two?", "q3": "three?"}


class Scorer:
    """A reranker that scores a passage by a table, whatever the query; it notes what it was asked."""

    info = EncoderInfo(name="table", dim=0, fingerprint="t" * 64)

    def __init__(self, table: Sequence[float], dtype: Any = np.float32) -> None:
        self.table, self.dtype = list(table), dtype
        self.asked: list[list[tuple[str, str]]] = []
        self.languages: list[dict[str, str | None]] = []

    def score(self, pairs: Sequence[tuple[str, str]], **languages: str | None) -> Any:
        """The table's values."""
        self.asked.append(list(pairs))
        self.languages.append(languages)
        return np.array([self.table[int(passage.split()[1])] for _, passage in pairs], dtype=self.dtype)


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Job:
    """Three questions over twelve passages."""
    return make_job(CORPUS, QUERIES, {q: {"p00": 1} for q in QUERIES})


def _hits(rows: Sequence[Sequence[int]], width: int = 12) -> Hits:
    positions = np.full((len(rows), width), -1, np.int64)
    scores = np.full((len(rows), width), -np.inf, np.float32)
    for i, row in enumerate(rows):
        positions[i, : len(row)] = row
        scores[i, : len(row)] = -np.arange(len(row))
    return Hits(positions, scores)


def _rows(hits: Hits) -> list[list[int]]:
    return [[p for p in row if p >= 0] for row in hits.positions.tolist()]


_extreme = st.sampled_from([0.0, -0.0, 1.0, -1.0, 3.4e38, -3.4e38, 1e-45, 1e-38])


@settings(max_examples=100)
@given(
    rows=st.lists(
        st.permutations(range(12)).flatmap(lambda p: st.integers(0, 12).map(lambda n: p[:n])), min_size=3, max_size=3
    ),
    table=st.lists(_extreme, min_size=12, max_size=12),
    depth=st.integers(1, 15),
)
def test_the_order_is_that_of_a_plain_sort(rows: list[list[int]], table: list[float], depth: int) -> None:
    """The first `depth` by (score in float32, id) descending and then the rest, also as trec_eval reads the scores."""
    from harness.sources.collection import Collection, Queries
    from harness.sources.corpus import Corpus
    from harness.tasks.model import Subset, Task
    from harness.tasks.selection import Selected

    subset = Subset("sw", "sw", "sw")
    task = Task("t", "", "", (subset,), ("dev",), "dev", ("ndcg@10",), (), "{text}", "", "", "", "")
    corpus = Corpus(list(CORPUS), [""] * len(CORPUS), list(CORPUS.values()))
    queries = Queries(tuple(QUERIES), tuple(QUERIES.values()))
    made = Job(Selected(task, subset, "dev"), Collection(corpus, queries, {}))
    found = rerank(made, _hits(rows), Scorer(table), depth, lambda done, of: None)
    expected = [
        sorted(row[:depth], key=lambda p: (np.float32(table[p]), p), reverse=True) + list(row[depth:]) for row in rows
    ]
    assert _rows(found) == expected
    for row, positions, scores in zip(expected, found.positions, found.scores, strict=True):
        by_id = {f"p{p:02d}": float(s) for p, s in zip(positions, scores, strict=True) if p >= 0}
        assert ranked(by_id) == [f"p{p:02d}" for p in row]
        assert len(set(by_id.values())) == len(by_id)


def test_pairs_are_the_texts_of_queries_and_passages(job: Job) -> None:
    """The reranker reads what an encoder reads, each pair once, and only as deep as asked."""
    scorer = Scorer(range(12))
    found = rerank(job, _hits([[3, 1, 2], [5], []]), scorer, 2, lambda done, of: None)
    assert scorer.asked == [[("one?", "passage 3"), ("one?", "passage 1"), ("two?", "passage 5")]]
    assert _rows(found) == [[3, 1, 2], [5], []]
    assert found.scores[0, :3].tolist() == [3, 2, 1]


def test_languages_of_both_sides_are_told(make_job: Callable[..., Job]) -> None:
    """Swahili questions about English passages."""
    scorer = Scorer(range(12))
    crossing = make_job(CORPUS, {"q1": "one?"}, {}, subset=Subset("sw-en", "sw", "en"))
    rerank(crossing, _hits([[1]]), scorer, 5, lambda done, of: None)
    assert scorer.languages == [{"query_language": "sw", "passage_language": "en"}]


def test_batches_are_bounded_and_told(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pairs there are, a call has at most CHUNK; progress adds up to all of them."""
    monkeypatch.setattr(module, "CHUNK", 5)
    scorer, told = Scorer(range(12)), []
    found = rerank(job, _hits([range(12)] * 3), scorer, 12, lambda done, of: told.append((done, of)))
    assert [len(pairs) for pairs in scorer.asked] == [5] * 7 + [1]
    assert sum(done for done, _ in told) == 36 and {of for _, of in told} == {36}
    assert _rows(found) == [list(range(11, -1, -1))] * 3


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n: np.zeros((n, 1)), "returned an array of shape (2, 1) for 2 pairs"),
        (lambda n: np.zeros(n - 1), "returned an array of shape (1,) for 2 pairs"),
        (lambda n: 0.5, "returned an array of shape () for 2 pairs"),
        (lambda n: np.full(n, np.nan), "NaN or infinity for the pair 'one?', 'passage 1'"),
        (lambda n: np.full(n, 1e39), "NaN or infinity"),
        (lambda n: ["high", "low"], "no numbers"),
        (lambda n: None, "no numbers"),
    ],
    ids=["column", "one short", "a number", "nan", "beyond float32", "words", "nothing"],
)
def test_a_broken_contract_is_told(job: Job, answer: Callable[[int], Any], message: str) -> None:
    """Another shape, what is not finite, and what is no number are refused in the reranker's name."""
    scorer = Scorer([])
    scorer.score = lambda pairs, **languages: answer(len(pairs))  # type: ignore[method-assign]
    with pytest.raises(EncoderContractError) as caught:
        rerank(job, _hits([[1, 2], [], []]), scorer, 5, lambda done, of: None)
    assert "reranker 'table'" in caught.value.message and message in caught.value.message


def test_without_hits_nothing_is_asked(job: Job) -> None:
    """A first stage that found nothing leaves nothing to reorder."""
    scorer = Scorer([])
    assert _rows(rerank(job, _hits([[], [], []], 0), scorer, 100, lambda done, of: None)) == [[], [], []]
    assert scorer.asked == []
