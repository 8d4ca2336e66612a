"""The names of measures."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.metrics import COMMON, parse


@pytest.mark.parametrize(
    ("name", "kind", "cut", "title"),
    [
        ("ndcg@10", "ndcg", 10, "nDCG@10"),
        ("mrr@100", "mrr", 100, "MRR@100"),
        ("recall@100", "recall", 100, "Recall@100"),
        ("r@2kt", "token-recall", 2000, "R@2kt"),
        ("r@5kt", "token-recall", 5000, "R@5kt"),
        ("answer-recall@20", "answer-recall", 20, "Answer recall@20"),
    ],
)
def test_known_measures(name: str, kind: str, cut: int, title: str) -> None:
    """Kind, cut and the name that papers print."""
    measure = parse(name)
    assert (measure.name, measure.kind, measure.cut, measure.title) == (name, kind, cut, title)
    assert measure.by_judgement == (kind in ("ndcg", "mrr", "recall"))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ndcg",
        "ndcg@",
        "ndcg@0",
        "ndcg@-1",
        "ndcg@1.5",
        "ndcg@010",
        "NDCG@10",
        "r@kt",
        "r@0kt",
        "r@2k",
        "r@20",
        "recall@10 ",
        "ndcg@10\n",
        "ndcg@١٠",
        "map@10",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    """A measure without a cut, with a cut of nothing, in other digits or by another name is a typing mistake."""
    with pytest.raises(UsageError):
        parse(name)


def test_a_misspelt_measure_gets_a_suggestion() -> None:
    """The nearest name is offered."""
    with pytest.raises(UsageError, match=r"ndcg@10"):
        parse("ndgc@10")


def test_common_measures_parse_and_explain_themselves() -> None:
    """The measures every task reports are ranking measures with one sentence for the legend."""
    for name in (*COMMON, "r@2kt", "answer-recall@20"):
        measure = parse(name)
        assert f"{measure.cut:,}" in measure.explanation
    assert all(parse(name).by_judgement for name in COMMON)
