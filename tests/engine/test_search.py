"""Exact search against a brute-force sort in float64 with trec_eval's tie rule."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine.search import Hits, merge, no_hits, search
from harness.sources.corpus import Corpus


def _blocks(vectors: np.ndarray, cuts: list[int]) -> Iterator[tuple[int, np.ndarray]]:
    edges = [0, *sorted(cuts), len(vectors)]
    for start, stop in pairwise(edges):
        if stop > start:
            yield start, vectors[start:stop]


def _brute_force(queries: np.ndarray, vectors: np.ndarray, tie_order: np.ndarray, k: int) -> list[list[int]]:
    """Positions by (float64 score, tie rank) descending, with Python's own sort."""
    scores = queries.astype(np.float64) @ vectors.astype(np.float64).T
    order = [sorted(range(len(vectors)), key=lambda i: (row[i], tie_order[i]), reverse=True) for row in scores]
    return [positions[:k] for positions in order]


def _small_integers(rng: np.random.Generator, rows: int, dim: int, spread: int) -> np.ndarray:
    """Vectors whose inner products are exact in float32, with ties everywhere for a small `spread`."""
    return rng.integers(-spread, spread + 1, size=(rows, dim)).astype(np.float32)


@pytest.mark.parametrize("spread", [0, 1, 3, 1000], ids=["all equal", "heavy ties", "ties", "few ties"])
@pytest.mark.parametrize("k", [1, 2, 7, 99, 100, 101, 500])
def test_equals_brute_force(spread: int, k: int) -> None:
    """Positions and scores are those of a full sort in float64, whatever the ties and for any k."""
    rng = np.random.default_rng(k + spread)
    queries, vectors = _small_integers(rng, 9, 4, spread), _small_integers(rng, 100, 4, spread)
    tie_order = rng.permutation(100)
    hits = search(queries, _blocks(vectors, [1, 2, 40, 90]), k=k, tie_order=tie_order)
    assert hits.positions.tolist() == _brute_force(queries, vectors, tie_order, k)
    exact = queries.astype(np.float64) @ vectors.astype(np.float64).T
    assert np.array_equal(hits.scores, np.take_along_axis(exact, hits.positions, 1))
    assert hits.positions.dtype == np.int64 and hits.scores.dtype == np.float32


def test_real_valued_vectors_equal_brute_force() -> None:
    """On unit vectors in general position float32 search finds the ranking of float64."""
    rng = np.random.default_rng(0)
    queries, vectors = (rng.standard_normal((n, 16)) for n in (20, 3000))
    queries, vectors = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, vectors))
    queries, vectors = queries.astype(np.float32), vectors.astype(np.float32)
    tie_order = rng.permutation(3000)
    hits = search(queries, _blocks(vectors, [1000, 1001, 2500]), k=100, tie_order=tie_order)
    exact = queries.astype(np.float64) @ vectors.astype(np.float64).T
    ranked = np.take_along_axis(exact, hits.positions, 1)
    kth = -np.sort(-exact, axis=1)[:, :100]
    assert np.allclose(ranked, kth, rtol=0, atol=1e-6)
    assert np.allclose(hits.scores, ranked, rtol=0, atol=1e-6)
    assert all(len(set(row)) == 100 for row in hits.positions.tolist())


def test_ties_break_as_trec_eval_breaks_them() -> None:
    """With every score equal, the order is that of passage ids by bytes, descending, which trec_eval sorts by."""
    ids = ["a", "B", "10", "9", "é", "z", "aa", "\U0001f981", "\uffee", "a#1", "a#10"]
    corpus = Corpus(ids, [""] * len(ids), ["x"] * len(ids))
    same = np.ones((len(ids), 1), np.float32)
    hits = search(same[:1], [(0, same)], k=99, tie_order=corpus.tie_order)
    ranked = [ids[i] for i in hits.positions[0]]
    assert ranked == sorted(ids, key=lambda i: i.encode(), reverse=True)
    for rank, passage in enumerate(ranked, start=1):
        evaluator = pytrec_eval.RelevanceEvaluator({"q": {passage: 1}}, {"recip_rank"})
        found = evaluator.evaluate({"q": dict.fromkeys(ids, 1.0)})
        assert found["q"]["recip_rank"] == pytest.approx(1 / rank)


@settings(max_examples=80)
@given(data=st.data())
def test_independent_of_block_boundaries(data: st.DataObject) -> None:
    """Any cut of the corpus into blocks gives the same hits, ties at the cut included."""
    n = data.draw(st.integers(1, 40), label="passages")
    k = data.draw(st.integers(1, 50), label="k")
    rng = np.random.default_rng(data.draw(st.integers(0, 999), label="seed"))
    spread = data.draw(st.integers(0, 2), label="spread")
    queries, vectors = _small_integers(rng, 3, 2, spread), _small_integers(rng, n, 2, spread)
    tie_order = rng.permutation(n)
    cuts = data.draw(st.lists(st.integers(0, n), max_size=6), label="cuts")
    hits = search(queries, _blocks(vectors, cuts), k=k, tie_order=tie_order)
    assert hits.positions.tolist() == _brute_force(queries, vectors, tie_order, k)


@settings(max_examples=80)
@given(data=st.data())
def test_merge_is_associative_and_commutative(data: st.DataObject) -> None:
    """Hits of distinct passages can be merged in any order and grouping, short and empty rows included."""
    n, queries = 24, 2
    tie_order = np.random.default_rng(data.draw(st.integers(0, 99), label="seed")).permutation(n)
    drawn = data.draw(st.lists(st.integers(0, 2), min_size=n * queries, max_size=n * queries), label="scores")
    scores = np.array(drawn, dtype=np.float32).reshape(queries, n)
    owner = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n), label="owner"))
    k = data.draw(st.integers(1, n + 3), label="k")

    def part(number: int) -> Hits:
        """The passages of one part, with as much padding as the largest part needs."""
        positions = np.flatnonzero(owner == number)
        padded = np.full((queries, int(np.bincount(owner, minlength=3).max())), -1, dtype=np.int64)
        padded[:, : len(positions)] = positions
        values = np.where(padded >= 0, np.take_along_axis(scores, padded.clip(min=0), 1), np.float32(9.0))
        return merge(no_hits(queries), Hits(padded, values.astype(np.float32)), k=k, tie_order=tie_order)

    def both(left: Hits, right: Hits) -> Hits:
        return merge(left, right, k=k, tie_order=tie_order)

    def content(hits: Hits) -> list[list[tuple[int, float]]]:
        rows = zip(hits.positions.tolist(), hits.scores.tolist(), strict=True)
        return [[(p, s) for p, s in zip(*row, strict=True) if p >= 0] for row in rows]

    a, b, c = part(0), part(1), part(2)
    expected = [sorted(range(n), key=lambda i: (row[i], tie_order[i]), reverse=True)[:k] for row in scores]
    for merged in (both(both(a, b), c), both(a, both(b, c)), both(both(c, a), b), both(b, both(c, a))):
        assert [[p for p, _ in row] for row in content(merged)] == expected
        assert content(merged) == [[(p, float(row[p])) for p in e] for row, e in zip(scores, expected, strict=True)]
    assert content(both(a, b)) == content(both(b, a))
    assert content(both(a, no_hits(queries))) == content(a)


def test_hits_come_before_padding() -> None:
    """A padded place never pushes a hit out, whatever score stands in it."""
    padding = Hits(np.array([[-1, -1]]), np.array([[np.inf, 5.0]], dtype=np.float32))
    real = Hits(np.array([[0]]), np.array([[-3.0]], dtype=np.float32))
    merged = merge(padding, real, k=1, tie_order=np.array([0]))
    assert merged.positions.tolist() == [[0]] and merged.scores.tolist() == [[-3.0]]


def test_no_queries_and_no_blocks() -> None:
    """Nothing asked, or nothing to search, gives hits of the right shape and not an error."""
    vectors = np.ones((5, 2), np.float32)
    assert search(np.empty((0, 2), np.float32), [(0, vectors)], k=3, tie_order=np.arange(5)).positions.shape[0] == 0
    assert search(vectors, [], k=3, tie_order=np.arange(0)).positions.shape == (5, 0)


def test_many_queries_are_scored_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The score matrix stays small by taking the queries in slices, and the slices leave no trace."""
    from harness.engine import search as module

    rng = np.random.default_rng(3)
    queries, vectors = _small_integers(rng, 50, 3, 1), _small_integers(rng, 30, 3, 1)
    tie_order = rng.permutation(30)
    monkeypatch.setattr(module, "_SCORE_CELLS", 100)
    hits = search(queries, [(0, vectors)], k=10, tie_order=tie_order)
    assert hits.positions.tolist() == _brute_force(queries, vectors, tie_order, 10)


def _with_repeats(seed: int, rows: int, distinct: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors of queries and passages, where many passages have the vector of another."""
    rng = np.random.default_rng(seed)
    queries, some = (rng.standard_normal((n, dim)) for n in (7, distinct))
    queries, some = ((x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32) for x in (queries, some))
    return queries, some[rng.integers(0, distinct, rows)]


@pytest.mark.parametrize("rows", [5, 33, 300, 4097])
@pytest.mark.parametrize("dim", [8, 100, 768])
def test_equal_vectors_tie(dim: int, rows: int) -> None:
    """Passages with one vector have one score, though a matrix product rounds its columns differently."""
    queries, vectors = _with_repeats(dim, rows, max(3, rows // 40), dim)
    tie_order = np.random.default_rng(1).permutation(rows)
    hits = search(queries, _blocks(vectors, [rows // 3, rows - 1]), k=100, tie_order=tie_order)
    scores: list[dict[bytes, float]] = [{} for _ in queries]
    for known, positions, values in zip(scores, hits.positions, hits.scores, strict=True):
        for position, value in zip(positions.tolist(), values.tolist(), strict=True):
            assert known.setdefault(vectors[position].tobytes(), value) == value
    exact = [(query * vectors.astype(np.float64)).sum(axis=1).astype(np.float32) for query in queries]
    order = [sorted(range(rows), key=lambda i: (row[i], tie_order[i]), reverse=True)[:100] for row in exact]
    assert hits.positions.tolist() == order


def test_a_query_is_answered_alike_alone_and_in_company() -> None:
    """Hits and scores of a query do not depend on the other queries or on the cut into blocks, to the last bit."""
    queries, vectors = _with_repeats(5, 900, 300, 96)
    tie_order = np.random.default_rng(2).permutation(900)
    together = search(queries, [(0, vectors)], k=50, tie_order=tie_order)
    for i, query in enumerate(queries):
        alone = search(query[None], _blocks(vectors, [1, 17, 700]), k=50, tie_order=tie_order)
        assert alone.positions.tolist() == [together.positions[i].tolist()]
        assert alone.scores.tobytes() == together.scores[i : i + 1].tobytes()


def test_a_collapsed_encoder_fits_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where everything ties with everything, candidates are looked at a few queries at a time, to the same end."""
    from harness.engine import search as module

    vectors = np.tile(np.float32(0.1), (2000, 100))
    tie_order = np.random.default_rng(4).permutation(2000)
    monkeypatch.setattr(module, "_CANDIDATES", 3000)
    hits = search(vectors[:20], _blocks(vectors, [1200]), k=10, tie_order=tie_order)
    assert hits.positions.tolist() == [np.argsort(-tie_order)[:10].tolist()] * 20


def test_scores_beyond_float32_do_not_stop_the_search() -> None:
    """Products that overflow on the way are candidates like others; what is infinite in the end ranks first."""
    vectors = np.array([[3e38, -3e38], [1.0, 1.0], [3e38, 3e38], [2.0, 2.0]], np.float32)
    hits = search(np.array([[2.0, 2.0]], np.float32), [(0, vectors)], k=3, tie_order=np.arange(4))
    assert hits.positions.tolist() == [[2, 3, 1]] and hits.scores.tolist() == [[np.inf, 8.0, 4.0]]
