"""How far apart two answers are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.encoders.protocols import FloatArray


def furthest(left: Any, right: Any) -> float:
    """The largest difference of two arrays, relative to the largest value where that is above 1.

    Infinite for other shapes. NaN counts as 0 and infinity as the largest number: whether values are finite is
    another check's question.
    """
    a, b = (np.nan_to_num(np.asarray(x, dtype=np.float64), posinf=1e30, neginf=-1e30) for x in (left, right))
    if a.shape != b.shape:
        return float("inf")
    if (found := float(np.abs(a - b).max(initial=0.0))) > 1e29:  # a number on one side, none on the other
        return float("inf")
    usual = [np.abs(x[np.abs(x) < 1e30]).max(initial=0.0) for x in (a, b)]
    return found / max(1.0, float(usual[0]), float(usual[1]))


def furthest_of(left: Sequence[Any], right: Sequence[Any]) -> float:
    """The largest of the differences of several arrays."""
    return max((furthest(a, b) for a, b in zip(left, right, strict=True)), default=0.0)


def scattered(hits: tuple[Any, Any], passages: int) -> FloatArray:
    """Scores (Q, N) by passage from positions and scores (Q, k); −inf for a passage that was not returned."""
    positions, scores = (np.asarray(part) for part in hits)
    assert positions.ndim == 2 and positions.shape == scores.shape, (
        f"search returned shapes {positions.shape} and {scores.shape}, not two of (queries, k)"
    )
    assert not positions.size or (positions.min() >= -1 and positions.max() < passages), (
        f"search returned position {positions.max()} or {positions.min()} for {passages} passages"
    )
    out = np.full((len(positions), passages + 1), -np.inf, dtype=np.float32)
    np.put_along_axis(out, positions, scores, axis=1)  # −1 is the last column, which goes
    return out[:, :passages]
