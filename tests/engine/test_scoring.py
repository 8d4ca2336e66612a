"""From hits to scores, counts and per-query lists."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from harness.engine.plan import Job
from harness.engine.scoring import counts, per_query, ranking, score_ranking
from harness.engine.search import Hits
from harness.metrics import Scores
from harness.sources.collection import Collection

CORPUS = {"p1": "the Nile is long", "p2": "tea in Kenya", "p3": "a wheel"}
QUERIES = {"q1": "one?", "q2": "two?", "q3": "three?"}
QRELS = {"q1": {"p1": 1, "p2": 0}, "q2": {"p2": 1, "p3": 1}, "q3": {"p3": 1}}


def _hits(rows: list[list[int]], width: int = 3) -> Hits:
    """Hits with scores 3, 2, 1 in the given order, −1 behind."""
    positions = np.array([row + [-1] * (width - len(row)) for row in rows], dtype=np.int64)
    scores = np.broadcast_to(np.arange(width, 0, -1, dtype=np.float32), positions.shape)
    return Hits(positions, np.where(positions >= 0, scores, -np.inf).astype(np.float32))


def _scored(job: Job, hits: Hits) -> Scores:
    return score_ranking(job, ranking(job, hits))


def test_scores_are_those_of_the_hits(make_job: Callable[..., Job]) -> None:
    """Hand-worked: second place, both found with one between, and a query without any hit."""
    job = make_job(CORPUS, QUERIES, QRELS)
    scores = _scored(job, _hits([[1, 0], [1, 0, 2], []]))
    two = (1 + 1 / math.log2(4)) / (1 + 1 / math.log2(3))
    assert scores.per_query["ndcg@10"] == pytest.approx({"q1": 1 / math.log2(3), "q2": two, "q3": 0.0})
    assert scores.per_query["mrr@100"] == pytest.approx({"q1": 0.5, "q2": 1.0, "q3": 0.0})
    assert scores.per_query["recall@100"] == {"q1": 1.0, "q2": 1.0, "q3": 0.0}
    assert scores.metrics["mrr@100"] == pytest.approx(0.5)
    assert list(scores.metrics) == ["ndcg@10", "mrr@100", "recall@100"]


def test_answers_are_looked_for_in_the_texts_of_the_hits(make_job: Callable[..., Job]) -> None:
    """Answer recall reads the retrieved passages in rank order, without titles."""
    answers = {"q1": ("Nile",), "q2": ("Nile",), "q3": ("Title",)}
    job = make_job(CORPUS, QUERIES, {}, answers=answers, metrics=("r@2kt", "answer-recall@1"), titles={"p3": "Title"})
    scores = _scored(job, _hits([[1, 0], [1, 2], [2]]))
    assert scores.per_query["r@2kt"] == {"q1": 1.0, "q2": 0.0, "q3": 0.0}
    assert scores.per_query["answer-recall@1"] == {"q1": 0.0, "q2": 0.0, "q3": 0.0}


def test_counts_say_what_scores_stand_on(make_job: Callable[..., Job]) -> None:
    """Queries with repeats, scored queries of the main metric, passages, judgements and positive ones."""
    job = make_job(CORPUS, QUERIES, QRELS)
    repeated = Job(job.selected, Collection(job.collection.corpus, job.collection.queries, QRELS, repeats=2))
    scores = _scored(repeated, _hits([[0], [1], [2]]))
    assert counts(repeated, scores).model_dump() == {
        "queries": 5, "scored": 3, "passages": 3, "judgements": 5, "relevant": 4,
    }  # fmt: skip


def test_questions_without_an_answer_are_not_counted_as_scored(make_job: Callable[..., Job]) -> None:
    """For answer recall `scored` leaves out the questions whose only answer is yes or no."""
    answers = {"q1": ("yes",), "q2": ("tea", "no"), "q3": ("wheel",)}
    job = make_job(CORPUS, QUERIES, QRELS, answers=answers, metrics=("r@2kt",))
    scores = _scored(job, _hits([[0], [1], [0]]))
    assert counts(job, scores).scored == 2
    assert scores.metrics["r@2kt"] == 0.5


def test_per_query_lists_are_parallel_and_by_kind(make_job: Callable[..., Job]) -> None:
    """Judged and answerable queries differ, so each kind of measure has its own ids."""
    answers = {"q1": ("yes",), "q2": ("tea",), "q3": ("wheel",)}
    job = make_job(CORPUS, QUERIES, QRELS, answers=answers, metrics=("r@2kt", "r@5kt"))
    lists = per_query(_scored(job, _hits([[1, 0], [1], [0, 1, 2]])))
    assert lists["answers"].ids == ("q2", "q3")
    assert lists["answers"].values == {"r@2kt": (1.0, 1.0), "r@5kt": (1.0, 1.0)}
    assert lists["ranking"].ids == ("q1", "q2", "q3")
    assert lists["ranking"].values["mrr@100"] == (0.5, 1.0, 0.333333)


def test_per_query_of_a_measure_over_nothing_is_absent(make_job: Callable[..., Job]) -> None:
    """A measure that no query can be scored by has no mean and no list."""
    job = make_job(CORPUS, QUERIES, QRELS, answers={"q1": ("yes",)}, metrics=("r@2kt",))
    scores = _scored(job, _hits([[0], [1], [2]]))
    assert "r@2kt" not in scores.metrics
    assert set(per_query(scores)) == {"ranking"}
    assert counts(job, scores).scored == 0


def test_no_hits_at_all(make_job: Callable[..., Job]) -> None:
    """A searcher that finds nothing for anyone scores 0 everywhere."""
    job = make_job(CORPUS, QUERIES, QRELS, answers={"q1": ("Nile",)}, metrics=("r@2kt",))
    scores = _scored(job, Hits(np.empty((3, 0), np.int64), np.empty((3, 0), np.float32)))
    assert scores.metrics == {"r@2kt": 0.0, "ndcg@10": 0.0, "mrr@100": 0.0, "recall@100": 0.0}
