"""The inverted index against a sum in float64, whatever the blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from harness_sentence_transformers import inverted
from harness_sentence_transformers.inverted import InvertedIndex
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sentence_transformers import util

DIMENSIONS = 12


def vectors(rows: int, *, seed: int, density: float = 0.3, signed: bool = False) -> Any:
    """A dense array (rows, 12) float32 with few entries; small numbers, so that some scores tie."""
    generator = np.random.default_rng(seed)
    values = generator.integers(-2 if signed else 1, 4, size=(rows, DIMENSIONS)).astype(np.float32) / 7
    return np.where(generator.random((rows, DIMENSIONS)) < density, values, 0).astype(np.float32)


def indexed(passages: Any, sizes: list[int]) -> InvertedIndex:
    """An index of `passages` in blocks of the given sizes, and the rest in one."""
    index, start = InvertedIndex(DIMENSIONS), 0
    for size in [*sizes, len(passages)]:
        index.add(sparse.csr_array(passages[start : start + size]))
        start += size
    return index


def reference(queries: Any, passages: Any, k: int) -> tuple[Any, Any]:
    """The same search with a loop: sums in float64 in the order of the dimensions, ties by position."""
    positions, scores = np.full((len(queries), k), -1), np.zeros((len(queries), k), np.float32)
    for row, query in enumerate(queries.astype(np.float64)):
        found = []
        for position, passage in enumerate(passages.astype(np.float64)):
            total = 0.0
            for a, b in zip(query, passage, strict=True):
                total += a * b
            if total:
                found.append((-np.float32(total), position))
        for place, (score, position) in enumerate(sorted(found)[:k]):
            positions[row, place], scores[row, place] = position, -score
    return positions, scores


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 9), max_size=5),
    rows=st.integers(0, 30),
    k=st.integers(1, 12),
    seed=st.integers(0, 99),
    signed=st.booleans(),
    cells=st.sampled_from([1, 20, 1 << 22]),
)
def test_hits_are_those_of_a_loop(sizes: list[int], rows: int, k: int, seed: int, signed: bool, cells: int) -> None:
    """Positions and scores to the last bit, for any blocks of passages and any steps of queries."""
    passages, queries = vectors(rows, seed=seed, signed=signed), vectors(5, seed=seed + 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inverted, "_CELLS", cells)
        positions, scores = indexed(passages, sizes).search(sparse.csr_array(queries), k)
    expected_positions, expected_scores = reference(queries, passages, k)
    np.testing.assert_array_equal(positions, expected_positions)
    np.testing.assert_array_equal(scores, expected_scores)
    assert (positions.dtype, scores.dtype) == (np.int64, np.float32)


def test_scores_are_the_librarys() -> None:
    """The same best passages and scores as sentence-transformers' own semantic search gives."""
    generator = np.random.default_rng(3)
    passages = (generator.random((200, DIMENSIONS)) * (generator.random((200, DIMENSIONS)) < 0.4)).astype(np.float32)
    queries = passages[:20]
    positions, scores = indexed(passages, [64, 64]).search(sparse.csr_array(queries), 5)
    found = util.semantic_search(
        torch.tensor(queries).to_sparse(), torch.tensor(passages).to_sparse(), top_k=5, score_function=util.dot_score
    )
    assert positions.tolist() == [[int(hit["corpus_id"]) for hit in row] for row in found]
    np.testing.assert_allclose(scores, [[hit["score"] for hit in row] for row in found], rtol=1e-6)


def test_equal_passages_tie_wherever_they_stand() -> None:
    """One vector in several blocks has one score, and the earlier position comes first."""
    passages = np.repeat(vectors(1, seed=5, density=0.9), 9, axis=0)
    positions, scores = indexed(passages, [2, 4]).search(sparse.csr_array(passages[:1]), 9)
    assert positions.tolist() == [list(range(9))]
    assert len(np.unique(scores)) == 1


def test_nothing_shared_is_no_hit() -> None:
    """A passage without an entry of the query is left out, and −1 and 0 stand in its place."""
    passages = np.eye(3, DIMENSIONS, dtype=np.float32)
    positions, scores = indexed(passages, []).search(sparse.csr_array(passages[1:2] * 2), 3)
    assert positions.tolist() == [[1, -1, -1]]
    assert scores.tolist() == [[2.0, 0.0, 0.0]]


def test_explicit_zeros_take_no_room() -> None:
    """Zeros that a sparse array happens to store are no postings."""
    block = sparse.csr_array((np.array([0, 1], np.float32), ([0, 1], [3, 4])), shape=(2, DIMENSIONS))
    index = InvertedIndex(DIMENSIONS)
    index.add(block)
    assert (len(index), index.postings) == (2, 1)


def test_vectors_of_another_size_are_refused() -> None:
    """A block of another vocabulary is an error, not a wrong score."""
    with pytest.raises(ValueError, match="3 dimensions in an index of 12"):
        InvertedIndex(DIMENSIONS).add(sparse.csr_array(np.ones((1, 3), np.float32)))
