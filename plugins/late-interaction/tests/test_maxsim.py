"""MaxSim against a loop in float64: any shapes, any blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from harness_late_interaction import maxsim
from harness_late_interaction.ragged import Ragged, cuts, joined, offsets_of
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

lengths = st.lists(st.integers(1, 7), min_size=1, max_size=12)


def texts(seed: int, heights: list[int], dim: int = 5, grid: bool = False) -> Ragged:
    """Random vectors; on a coarse grid many products are equal."""
    rng = np.random.default_rng(seed)
    draw = (lambda n: rng.integers(-2, 3, (n, dim))) if grid else (lambda n: rng.standard_normal((n, dim)))
    return joined([draw(n).astype(np.float32) for n in heights], dim)


def expected(queries: Ragged, passages: Ragged) -> NDArray[np.float64]:
    """The formula, one pair and one token at a time."""
    return np.array(
        [
            [
                sum(max(float(np.dot(t.astype(float), u.astype(float))) for u in passages[j]) for t in queries[i])
                for j in range(len(passages))
            ]
            for i in range(len(queries))
        ]
    )


def ranked(scores: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """The best `k` columns of each row by (score descending, column), −1 past the last."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.pad(order, ((0, 0), (0, k - order.shape[1])), constant_values=-1)


def blocks(passages: Ragged, most: int) -> Iterator[tuple[int, Ragged]]:
    """The passages in blocks of `most` tokens."""
    for start, stop in cuts(passages.lengths, most):
        yield start, passages.part(start, stop)


@given(st.integers(0, 9999), lengths, lengths, st.integers(1, 40), st.integers(1, 4000))
def test_scores_are_the_formula(seed: int, q: list[int], p: list[int], dim: int, memory: int) -> None:
    """Every pair, whatever the memory, to one rounding of float32."""
    queries, passages = texts(seed, q, dim), texts(seed + 1, p, dim)
    found = maxsim.scores(queries, passages, memory=memory)
    np.testing.assert_allclose(found, expected(queries, passages), rtol=1e-6, atol=1e-6)


@given(
    st.integers(0, 9999), lengths, lengths, st.integers(1, 15), st.integers(1, 60), st.integers(1, 4000), st.booleans()
)
def test_search_is_the_formula_in_any_blocks(
    seed: int, q: list[int], p: list[int], k: int, most: int, memory: int, grid: bool
) -> None:
    """Positions and scores are those of sorting all pairs; ties go to the lower position."""
    queries, passages = texts(seed, q, grid=grid), texts(seed + 1, p, grid=grid)
    positions, scores = maxsim.search(queries, blocks(passages, most), k, memory=memory)
    whole = maxsim.scores(queries, passages)
    np.testing.assert_array_equal(positions, ranked(whole.astype(np.float64), k))
    present = positions >= 0
    np.testing.assert_array_equal(
        scores[present], np.take_along_axis(whole, positions.clip(0), 1)[present], err_msg="not the exact scores"
    )
    np.testing.assert_allclose(whole, expected(queries, passages), rtol=1e-6, atol=1e-6)


def test_a_large_corpus_ranks_the_same_in_every_block_size() -> None:
    """Long enough for the rough pass to choose candidates, with near ties that its rounding could swap."""
    rng = np.random.default_rng(5)
    queries = texts(1, [8] * 6, 96)
    passages = texts(2, rng.integers(1, 30, 700).tolist(), 96)
    near = passages.take(np.repeat(np.arange(300), 2))
    near.vectors[1::7] *= np.float32(1 + 2e-7)
    whole = maxsim.scores(queries, near)
    for most in (50, 997, 10**6):
        positions, scores = maxsim.search(queries, blocks(near, most), 20, memory=1 << 16)
        np.testing.assert_array_equal(positions, ranked(whole.astype(np.float64), 20))
        np.testing.assert_array_equal(scores, np.take_along_axis(whole, positions, 1))


def test_equal_passages_tie_and_go_by_position() -> None:
    """Ten copies of one text among others have one score, in order, in any blocks."""
    others = texts(3, [4] * 30, 16)
    copies = others.take(np.array([0] * 10 + list(range(1, 30))))
    query = others.part(0, 1)
    for most in (4, 9, 1000):
        positions, scores = maxsim.search(query, blocks(copies, most), 12)
        assert positions[0, :10].tolist() == list(range(10))
        assert len(set(scores[0, :10].tolist())) == 1


def test_nothing_gives_nothing() -> None:
    """No queries, no passages, or nothing wanted."""
    queries, passages = texts(1, [2, 3]), texts(2, [4])
    assert maxsim.search(texts(1, [1]).part(0, 0), blocks(passages, 9), 3)[0].shape == (0, 3)
    assert (maxsim.search(queries, [], 3)[0] == -1).all()
    assert maxsim.search(queries, blocks(passages, 9), 0)[0].shape == (2, 0)


def test_segments_reduce_the_same_with_torch() -> None:
    """What other devices use for the largest of each passage's columns agrees with numpy's."""
    values, offsets = torch.randn(9, 40), offsets_of([1, 12, 7, 20])
    by_torch = torch.segment_reduce(
        values.T.contiguous(), "max", lengths=torch.from_numpy(np.diff(offsets)), axis=0, unsafe=True
    )
    np.testing.assert_array_equal(by_torch.T.numpy(), maxsim._segment_max(values, offsets))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_cuda_device_ranks_as_the_cpu_does() -> None:
    """Scores to one rounding, positions alike."""
    queries, passages = texts(4, [9] * 8, 64), texts(5, [15] * 400, 64)
    here = maxsim.search(queries, blocks(passages, 1500), 10)
    there = maxsim.search(queries, blocks(passages, 1500), 10, device=torch.device("cuda"))
    np.testing.assert_array_equal(here[0], there[0])
    np.testing.assert_allclose(here[1], there[1], rtol=1e-6)


@given(lengths, st.integers(1, 30))
def test_cuts_cover_everything_within_the_limit(heights: list[int], most: int) -> None:
    """Runs follow one another, and one above the limit is a single text."""
    found = cuts(np.array(heights), most)
    assert [i for start, stop in found for i in range(start, stop)] == list(range(len(heights)))
    assert all(sum(heights[start:stop]) <= most or stop - start == 1 for start, stop in found)


def test_a_text_without_vectors_is_refused() -> None:
    """The largest of nothing is no number."""
    with pytest.raises(ValueError, match="at least one vector"):
        Ragged(np.zeros((2, 3), dtype=np.float32), np.array([0, 2, 2]))


def test_taking_texts_keeps_their_vectors() -> None:
    """In the order asked for, with repetitions."""
    whole = texts(7, [3, 1, 5])
    some = whole.take(np.array([2, 0, 2]))
    for i, j in enumerate((2, 0, 2)):
        np.testing.assert_array_equal(some[i], whole[j])
