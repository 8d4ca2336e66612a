"""Ranking metrics against pytrec_eval, ranx and hand-worked values, on the official judgements."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError
from harness.metrics import parse
from harness.metrics.ranking import first, ranked, score_ranking

MEASURES = ("ndcg@10", "ndcg@20", "mrr@10", "mrr@100", "recall@10", "recall@100")
OFFICIAL = (
    "mrtydi-v1.1/qrels.mrtydi-v1.1-bn.test.txt",
    "mrtydi-v1.1/qrels.mrtydi-v1.1-sw.test.txt",
    "miracl-v1.0/qrels.miracl-v1.0-yo-dev.tsv",
    "miracl-v1.0/qrels.miracl-v1.0-sw-dev.tsv",
    "ciral-v1.0/qrels.ciral-v1.0-so-test-a.tsv",
    "ciral-v1.0/qrels.ciral-v1.0-yo-test-b.tsv",
)


def _score(qrels: Any, run: Any, names: tuple[str, ...] = MEASURES) -> dict[str, dict[str, float]]:
    return score_ranking(qrels, run, [parse(name) for name in names])


def _by_trec_eval(qrels: Any, run: Any) -> dict[str, dict[str, float]]:
    """Every measure out of one run of pytrec_eval; the cut of MRR is applied to the reciprocal rank itself."""
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10,20", "recall.10,100", "recip_rank"})
    found = evaluator.evaluate({query: hits for query, hits in run.items() if hits and query in qrels})
    nothing = dict.fromkeys(("ndcg_cut_10", "ndcg_cut_20", "recall_10", "recall_100", "recip_rank"), 0.0)
    rows = {query: found.get(query, nothing) for query in qrels}

    def cut(value: float, depth: int) -> float:
        return value if value > 0 and round(1 / value) <= depth else 0.0

    return {
        "ndcg@10": {q: row["ndcg_cut_10"] for q, row in rows.items()},
        "ndcg@20": {q: row["ndcg_cut_20"] for q, row in rows.items()},
        "mrr@10": {q: cut(row["recip_rank"], 10) for q, row in rows.items()},
        "mrr@100": {q: cut(row["recip_rank"], 100) for q, row in rows.items()},
        "recall@10": {q: row["recall_10"] for q, row in rows.items()},
        "recall@100": {q: row["recall_100"] for q, row in rows.items()},
    }


def _by_hand(qrels: Any, run: Any) -> dict[str, dict[str, float]]:
    """The textbook formulas on a sort by (score, id bytes), descending."""
    out: dict[str, dict[str, float]] = {name: {} for name in MEASURES}
    for query, grades in qrels.items():
        hits = sorted(run.get(query, {}).items(), key=lambda hit: (hit[1], hit[0].encode()), reverse=True)
        gains = [max(0, grades.get(passage, 0)) for passage, _ in hits]
        best = sorted((grade for grade in grades.values() if grade > 0), reverse=True)
        first = next((rank for rank, gain in enumerate(gains, start=1) if gain), math.inf)
        for name in MEASURES:
            kind, _, depth = name.partition("@")
            k = int(depth)
            if kind == "mrr":
                out[name][query] = 1 / first if first <= k else 0.0
            elif kind == "recall":
                out[name][query] = sum(gain > 0 for gain in gains[:k]) / len(best) if best else 0.0
            else:
                ideal = sum(gain / math.log2(rank + 1) for rank, gain in enumerate(best[:k], start=1))
                found = sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains[:k], start=1))
                out[name][query] = found / ideal if ideal else 0.0
    return out


@pytest.mark.parametrize("name", OFFICIAL)
def test_equals_trec_eval_on_official_judgements(
    name: str, official_qrels: Callable[[str], Any], adversarial_run: Callable[..., Any]
) -> None:
    """Ties, missing and extra topics, unjudged passages, explicit zeros, short and long runs: as trec_eval -c does."""
    qrels = official_qrels(name)
    run = adversarial_run(qrels)
    scored = _score(qrels, run)
    expected = _by_trec_eval(qrels, run)
    assert any(0 < value < 1 for value in expected["ndcg@10"].values())
    for measure in MEASURES:
        assert scored[measure] == pytest.approx(expected[measure], abs=1e-12), measure
        assert list(scored[measure]) == list(qrels)


@pytest.mark.parametrize("name", OFFICIAL[::2])
def test_equals_the_textbook(
    name: str, official_qrels: Callable[[str], Any], adversarial_run: Callable[..., Any]
) -> None:
    """The formulas written out, on the same adversarial runs, give the same value for every query."""
    qrels = official_qrels(name)
    run = adversarial_run(qrels, seed=1)
    scored, expected = _score(qrels, run), _by_hand(qrels, run)
    for measure in MEASURES:
        assert scored[measure] == pytest.approx(expected[measure], abs=1e-9), measure


#: ranx is run in a process of its own without numba's compiler, which takes minutes where the data takes a second.
_RANX = """
import json, sys
import ranx
qrels, run, measures = json.load(sys.stdin)
retrieved = ranx.Run(run)
ranx.evaluate(ranx.Qrels(qrels), retrieved, measures)
json.dump({m: {q: float(v) for q, v in retrieved.scores[m].items()} for m in measures}, sys.stdout)
"""


def test_equals_ranx_where_it_agrees_on_the_rules(
    official_qrels: Callable[[str], Any], adversarial_run: Callable[..., Any]
) -> None:
    """A second implementation gives the same values; ranx has no rule for ties and for topics without results."""
    pytest.importorskip("ranx")
    qrels: dict[str, Any] = {}
    run: dict[str, Any] = {}
    for name in OFFICIAL[1::2]:
        judged = {query: grades for query, grades in official_qrels(name).items() if any(grades.values())}
        for query, hits in adversarial_run(judged, ties=False).items():
            if hits and query in judged:
                qrels[f"{name} {query}"], run[f"{name} {query}"] = judged[query], hits
    done = subprocess.run(
        [sys.executable, "-c", _RANX],
        input=json.dumps([qrels, run, MEASURES]),
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    expected = json.loads(done.stdout)
    scored = _score(qrels, run)
    assert len(qrels) > 800
    for measure in MEASURES:
        assert scored[measure] == pytest.approx(expected[measure], abs=1e-9), measure


def test_hand_worked_values() -> None:
    """Graded judgements, an explicit zero, an unjudged passage in front, and one relevant passage not found."""
    qrels = {"q": {"a": 3, "b": 2, "c": 0, "d": 1}}
    run = {"q": {"x": 9.0, "b": 8.0, "c": 7.0, "a": 6.0}}
    scored = _score(qrels, run, ("ndcg@10", "ndcg@2", "mrr@1", "mrr@2", "recall@2", "recall@100"))
    ideal = 3 / 1 + 2 / math.log2(3) + 1 / math.log2(4)
    assert scored["ndcg@10"]["q"] == pytest.approx((2 / math.log2(3) + 3 / math.log2(5)) / ideal)
    assert scored["ndcg@2"]["q"] == pytest.approx((2 / math.log2(3)) / (3 + 2 / math.log2(3)))
    assert scored["mrr@1"]["q"] == 0.0
    assert scored["mrr@2"]["q"] == 0.5
    assert scored["recall@2"]["q"] == pytest.approx(1 / 3)
    assert scored["recall@100"]["q"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(("relevant", "rank"), [("c", 1), ("b", 2), ("a", 3)])
def test_ties_go_to_the_greater_id(relevant: str, rank: int) -> None:
    """Of equal scores the greater id comes first, in whatever order the run was written."""
    for order in ("abc", "cab", "bca"):
        run = {"q": dict.fromkeys(order, 0.5)}
        assert _score({"q": {relevant: 1}}, run, ("mrr@10",))["mrr@10"]["q"] == pytest.approx(1 / rank)


@pytest.mark.parametrize(("relevant", "expected"), [("p000", 0.0), ("p001", 0.0), ("p002", 1 / 10), ("p011", 1.0)])
def test_the_cut_of_mrr_falls_inside_a_tie_as_the_ids_say(relevant: str, expected: float) -> None:
    """With twelve tied passages, the first ten by id descending are inside a cut of ten."""
    run = {"q": {f"p{i:03}": 1.0 for i in range(12)}}
    assert _score({"q": {relevant: 1}}, run, ("mrr@10",))["mrr@10"]["q"] == pytest.approx(expected)


def test_scores_are_compared_in_single_precision() -> None:
    """trec_eval reads scores as C floats: a difference beyond them is a tie, at the cut as elsewhere."""
    run = {"q": {"a": 1.0, "b": 1.0 - 1e-12}}
    scored = _score({"q": {"b": 1}}, run, ("mrr@1", "mrr@10", "ndcg@10"))
    assert [scored[m]["q"] for m in ("mrr@1", "mrr@10", "ndcg@10")] == [1.0, 1.0, 1.0]


def test_every_judged_query_counts() -> None:
    """A query without results, one that is not in the run, and one with zeros alone score 0; others are not counted."""
    qrels = {"found": {"a": 1}, "empty": {"a": 1}, "absent": {"a": 1}, "zeros": {"a": 0}}
    run = {"found": {"a": 1.0}, "empty": {}, "zeros": {"a": 1.0}, "unknown": {"a": 1.0}}
    for values in _score(qrels, run).values():
        assert values == {"found": 1.0, "empty": 0.0, "absent": 0.0, "zeros": 0.0}


@pytest.mark.parametrize("query", ["q", "not judged"])
def test_nan_is_refused(query: str) -> None:
    """A score that is not a number cannot be ranked; the query is named."""
    with pytest.raises(DataError, match=query):
        _score({"q": {"a": 1}}, {query: {"a": 1.0, "b": float("nan")}})


@pytest.mark.parametrize(
    ("qrels", "run"),
    [
        ({"q": {"a": 1}, "q\0x": {"a": 1}}, {"q": {"a": 1.0}}),
        ({"q": {"a\0x": 1, "a\0y": 0}}, {"q": {"b": 1.0}}),
        ({"q": {"a": 1}}, {"q": {"a": 1.0, "a\0x": 2.0}}),
    ],
    ids=["queries", "judged passages", "retrieved passages"],
)
def test_ids_that_end_early_for_trec_eval_are_refused(qrels: Any, run: Any) -> None:
    """Two ids that differ after a NUL are one for trec_eval, which ends the process or scores the wrong passage."""
    with pytest.raises(DataError, match="holds a NUL character"):
        _score(qrels, run)


def test_negative_grades_are_not_relevant() -> None:
    """Nor do they cost anything; a query with nothing above -2 scores 0, where trec_eval would end the process."""
    qrels = {"none": {"a": -2, "b": -127}, "some": {"a": -5, "b": 2}, "zero": {"a": -1}}
    for values in _score(qrels, {query: {"a": 2.0, "b": 1.0} for query in qrels}).values():
        assert (values["none"], values["zero"]) == (0.0, 0.0) and values["some"] > 0
    assert _score(qrels, {"some": {"b": 1.0}}, ("ndcg@10",))["ndcg@10"]["some"] == 1.0


def test_the_order_of_hits() -> None:
    """By single-precision score, then by the bytes of the id: numbers in ids are text."""
    hits = {"d9": 0.5, "d10": 0.5 + 1e-12, "D9": 0.5, "é": 0.5, "😀": 0.5, "\uffff": 0.5, "low": -1.0, "top": 1e300}
    assert ranked(hits) == ["top", "😀", "\uffff", "é", "d9", "d10", "D9", "low"]
    assert list(first(hits, 2)) == ["top", "😀"] and first(hits, 8) is hits


def test_infinite_scores_are_ranked() -> None:
    """Infinity is a score like any other: the best or the worst there is."""
    run = {"q": {"a": math.inf, "b": 1.0, "c": -math.inf}}
    assert [_score({"q": {p: 1}}, run)["mrr@10"]["q"] for p in "abc"] == pytest.approx([1, 1 / 2, 1 / 3])


def test_inputs_are_left_alone() -> None:
    """Neither judgements nor run are changed, and read-only mappings will do."""
    from types import MappingProxyType

    qrels = MappingProxyType({"q": MappingProxyType({"a": 1})})
    run = MappingProxyType({"q": MappingProxyType({"a": 1.0, "b": 2.0})})
    assert _score(qrels, run)["mrr@10"] == {"q": 0.5}


_ids = st.sampled_from(["a", "b", "c", "é", "z#1", "z#10"])


@settings(max_examples=150)
@given(
    qrels=st.dictionaries(
        st.sampled_from(["1", "2", "3"]), st.dictionaries(_ids, st.integers(0, 3), min_size=1), min_size=1
    ),
    run=st.dictionaries(st.sampled_from(["1", "2", "4"]), st.dictionaries(_ids, st.sampled_from([0.0, 0.5, -1.0]))),
)
def test_any_small_run_equals_both_oracles(qrels: Any, run: Any) -> None:
    """On arbitrary judgements and heavily tied runs trec_eval, the textbook and the harness agree."""
    scored, trec, hand = _score(qrels, run), _by_trec_eval(qrels, run), _by_hand(qrels, run)
    for measure in MEASURES:
        assert scored[measure] == pytest.approx(trec[measure], abs=1e-12)
        assert scored[measure] == pytest.approx(hand[measure], abs=1e-9)
