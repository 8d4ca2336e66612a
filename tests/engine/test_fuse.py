"""Fusing: ranx's sums on our terms equal formulas written down a second time, at the edges too."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine.fuse import WeightedSum, normalised, rrf
from harness.engine.search import Hits

pytest.importorskip("ranx")

PASSAGES = 12
DEPTH = 8
TIES = np.array([5, 1, 0, 3, 2, 4, 11, 10, 6, 7, 8, 9], dtype=np.int64)

List = list[dict[int, float]]  # for each query: passage → score

_scores = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 1e-12, 2e-12, 3e30, -3e30]),
    st.floats(-100, 100, width=32),
)
_queries = st.dictionaries(st.integers(0, PASSAGES - 1), _scores, max_size=DEPTH)


@st.composite
def _lists(draw: st.DrawFn) -> list[List]:
    queries = draw(st.integers(1, 4))
    return [[draw(_queries) for _ in range(queries)] for _ in range(draw(st.integers(2, 3)))]


def _hits(rows: List) -> Hits:
    """Rows as the search gives them: ranked by score and then tie order, −1 past the last."""
    positions = np.full((len(rows), DEPTH), -1, np.int64)
    scores = np.full((len(rows), DEPTH), -np.inf, np.float32)
    for i, row in enumerate(rows):
        order = sorted(row, key=lambda p: (np.float32(row[p]), TIES[p]), reverse=True)
        positions[i, : len(order)] = order
        scores[i, : len(order)] = [row[p] for p in order]
    return Hits(positions, scores)


def _expected(lists: Sequence[List], score: Callable[[list[Hits], int], dict[int, float]]) -> list[list[int]]:
    """The ranking of each query by `score` in float64, rounded to float32, ties by the rank of the id."""
    hits = [_hits(rows) for rows in lists]
    out = []
    for query in range(len(lists[0])):
        total = {p: np.float32(s) for p, s in score(hits, query).items()}
        out.append(sorted(total, key=lambda p: (total[p], TIES[p]), reverse=True)[:DEPTH])
    return out


def _rows(hits: Hits) -> list[list[int]]:
    return [[p for p in row if p >= 0] for row in hits.positions.tolist()]


def _by_rank(k: int) -> Callable[[list[Hits], int], dict[int, float]]:
    def score(hits: list[Hits], query: int) -> dict[int, float]:
        total: dict[int, float] = {}
        for one in hits:
            for place, p in enumerate(one.positions[query].tolist(), start=1):
                if p >= 0:
                    total[p] = total.get(p, 0.0) + 1 / (k + place)
        return total

    return score


def _by_score(weights: Sequence[float], flat: float) -> Callable[[list[Hits], int], dict[int, float]]:
    def score(hits: list[Hits], query: int) -> dict[int, float]:
        total: dict[int, float] = {}
        for weight, one in zip(weights, hits, strict=True):
            found = {p: float(s) for p, s in zip(one.positions[query], one.scores[query], strict=True) if p >= 0}
            low, high = min(found.values(), default=0), max(found.values(), default=0)
            for p, s in found.items():
                total[int(p)] = total.get(int(p), 0.0) + weight * ((s - low) / (high - low) if high > low else flat)
        return total

    return score


@settings(max_examples=150)
@given(_lists(), st.sampled_from([0, 1, 60]))
def test_rrf_equals_its_formula(lists: list[List], k: int) -> None:
    """Σ 1 / (k + place) in float64, with ties in a list broken as the list has them, and empty lists."""
    fused = rrf([_hits(rows) for rows in lists], k=k, depth=DEPTH, tie_order=TIES)
    assert _rows(fused) == _expected(lists, _by_rank(k))
    for query, row in enumerate(_rows(fused)):
        wanted = _by_rank(k)([_hits(rows) for rows in lists], query)
        assert fused.scores[query, : len(row)].tolist() == [np.float32(wanted[p]) for p in row]


@settings(max_examples=150)
@given(_lists(), st.sampled_from([0.0, 1.0]), st.data())
def test_weighted_sums_equal_their_formula(lists: list[List], flat: float, data: st.DataObject) -> None:
    """Σ w · min-max in float64: one hit, equal scores, spans of 1e-12 and of 6e30, lists without a hit."""
    weights = [data.draw(st.sampled_from([0.0, 0.3, 1.0, 2.0])) for _ in lists]
    sums = WeightedSum([_hits(rows) for rows in lists], flat=flat, depth=DEPTH, tie_order=TIES)
    assert _rows(sums.weighted(weights)) == _expected(lists, _by_score(weights, flat))


@settings(max_examples=100)
@given(_queries, _queries, st.sampled_from([0.1, 0.56, 1.0, 1.7]))
def test_the_hybrid_orders_as_centred_scores_do(sparse: dict[int, float], dense: dict[int, float], a: float) -> None:
    """The definition as its authors write it (centred, a missing passage at its list's minimum) gives these scores
    but for a constant.
    """

    def centred(found: dict[int, float], p: int) -> float:
        values = [float(np.float32(s)) for s in found.values()] or [0.0, 1.0]
        low, high = min(values), max(values)
        s = float(np.float32(found[p])) if p in found else low
        return (s - (low + high) / 2) / (high - low) if high > low else 0.0

    both = sparse.keys() | dense.keys()
    wanted = {p: centred(sparse, p) + a * centred(dense, p) for p in both}
    sums = WeightedSum([_hits([sparse]), _hits([dense])], flat=0.0, depth=2 * DEPTH, tie_order=TIES)
    fused = sums.weighted([1.0, a])
    found = {p: float(s) for p, s in zip(fused.positions[0], fused.scores[0], strict=True) if p >= 0}
    assert found.keys() == both
    if both:
        shift = wanted[min(both)] - found[min(both)]
        assert all(math.isclose(found[p] + shift, wanted[p], abs_tol=1e-5) for p in both)


def test_the_same_every_time() -> None:
    """Sums are made in several threads; five runs over three hundred queries give the same bytes."""
    random = np.random.default_rng(0)
    lists = []
    for _ in range(2):
        positions = np.array([random.permutation(PASSAGES)[:DEPTH] for _ in range(300)])
        lists.append(Hits(positions, -np.sort(-random.random((300, DEPTH)).astype(np.float32), axis=1)))
    first = rrf(lists, k=60, depth=DEPTH, tie_order=TIES)
    sums = [WeightedSum(lists, flat=1.0, depth=DEPTH, tie_order=TIES).weighted([1.0, 0.7]) for _ in range(5)]
    for _ in range(4):
        again = rrf(lists, k=60, depth=DEPTH, tie_order=TIES)
        assert again.positions.tobytes() == first.positions.tobytes()
        assert again.scores.tobytes() == first.scores.tobytes()
    assert len({(one.positions.tobytes(), one.scores.tobytes()) for one in sums}) == 1


def test_without_queries_and_without_hits() -> None:
    """No query at all, and queries for which nobody found anything, give empty rankings."""
    nothing = Hits(np.empty((0, 3), np.int64), np.empty((0, 3), np.float32))
    assert rrf([nothing, nothing], k=60, depth=5, tie_order=TIES).positions.shape[0] == 0
    blank = Hits(np.full((2, 3), -1, np.int64), np.zeros((2, 3), np.float32))
    assert _rows(rrf([blank, blank], k=60, depth=5, tie_order=TIES)) == [[], []]
    narrow = Hits(np.empty((2, 0), np.int64), np.empty((2, 0), np.float32))
    assert _rows(WeightedSum([narrow, blank], flat=1.0, depth=5, tie_order=TIES).weighted([1, 1])) == [[], []]


def test_a_single_hit_counts() -> None:
    """A list with one hit says something: it counts 1 for `minmax`, and what the authors say, nothing, for `mrtydi`."""
    assert normalised(_hits([{3: 7.0}]), 1.0)[0, 0] == 1.0
    assert normalised(_hits([{3: 7.0, 4: 7.0}]), 0.0)[0, :2].tolist() == [0.0, 0.0]
    assert normalised(_hits([{3: 4.0, 4: 2.0, 5: 3.0}]), 0.0)[0, :3].tolist() == [1.0, 0.5, 0.0]
