"""One call for both kinds of measure."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.metrics import score

QRELS = {"q1": {"a": 1}, "q2": {"b": 1}}
RUN = {"q1": {"a": 2.0, "b": 1.0}, "q2": {"a": 2.0, "b": 1.0}}


def test_means_are_over_all_queries_of_each_kind() -> None:
    """Ranking measures average over the judged queries, answer measures over the answerable ones."""
    scores = score(
        ["r@2kt", "mrr@10", "answer-recall@1", "recall@1"],
        qrels={**QRELS, "q3": {"c": 1}},
        run=RUN,
        answers={"q1": ["Nile"], "q2": ["no"], "q3": ["Nile", "yes"]},
        contexts={"q1": ["tea", "the Nile"], "q2": ["no"], "q3": []},
    )
    assert scores.metrics == pytest.approx(
        {"r@2kt": 1 / 2, "mrr@10": (1 + 1 / 2) / 3, "answer-recall@1": 1 / 3, "recall@1": 1 / 3}
    )
    assert list(scores.metrics) == list(scores.per_query) == ["r@2kt", "mrr@10", "answer-recall@1", "recall@1"]
    assert scores.per_query["r@2kt"] == {"q1": 1.0, "q3": 0.0}


def test_a_measure_over_no_queries_has_no_mean() -> None:
    """Nothing to average is not 0."""
    scores = score(["r@2kt"], qrels={}, run={}, answers={"q": ["yes"]}, contexts={})
    assert scores.metrics == {} and scores.per_query == {"r@2kt": {}}
    assert score(["ndcg@10"], qrels={}, run=RUN).metrics == {}


@pytest.mark.parametrize("given", [{}, {"answers": {"q1": ["x"]}}, {"contexts": {"q1": ["x"]}}])
@pytest.mark.parametrize("measure", ["r@2kt", "answer-recall@20"])
def test_answer_measures_need_answers_and_texts(measure: str, given: dict[str, dict[str, list[str]]]) -> None:
    """A task that has no answers cannot be scored by them; the measure is named."""
    with pytest.raises(UsageError, match=measure):
        score([measure], qrels=QRELS, run=RUN, **given)


def test_an_unknown_measure_is_refused() -> None:
    """A name that is no measure is refused before anything is computed."""
    with pytest.raises(UsageError, match="map@10"):
        score(["map@10"], qrels=QRELS, run=RUN)
