"""Batches are cut where the padding that is saved is worth another call."""

from __future__ import annotations

from collections.abc import Sequence

from harness_lamir.backbones.ids import like_lengths
from hypothesis import given
from hypothesis import strategies as st


def cost(runs: Sequence[Sequence[int]], lengths: Sequence[int], call: int) -> int:
    """Return the padded tokens of all runs, and `call` for each."""
    return sum(len(run) * max(lengths[i] for i in run) + call for run in runs)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.integers(0, 200))
def test_cutting_never_costs_more(lengths: list[int], call: int) -> None:
    """Every text is in one run, and no run is worth another cut."""
    runs = like_lengths(lengths, call)
    assert sorted(i for run in runs for i in run) == list(range(len(lengths)))
    assert cost(runs, lengths, call) <= cost([range(len(lengths))], lengths, call)
    for run in runs:
        ordered = sorted((lengths[i] for i in run), reverse=True)
        saved = [(len(ordered) - at) * (ordered[0] - ordered[at]) for at in range(1, len(ordered))]
        assert max(saved, default=0) <= call


def test_like_texts_stay_together_and_in_order() -> None:
    """What saves nothing changes nothing; what does is cut at the gap, the longest first."""
    assert like_lengths([], 10) == [[]]
    assert like_lengths([5, 7, 6], 10) == [[0, 1, 2]]
    assert like_lengths([5, 100, 6, 90], 50) == [[1, 3], [2, 0]]
