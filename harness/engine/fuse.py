"""Fusing rankings: several lists of hits for the same queries become one.

ranx adds up (`ranx.fuse`, methods `rrf` and `wsum`); what it is given is prepared here, because it goes wrong at the
edges (docs/decisions/0012-ranx-adds-up.md). With places counted from 1 and a part's hits H for one query:

- `rrf`: Σ 1 / (k + place), Cormack, Clarke and Büttcher, SIGIR 2009. A part that lacks a passage adds nothing.
- `minmax`: Σ w · (s − min H) / (max H − min H), CombSUM (Fox and Shaw, TREC-2) over min-max-normalised scores. Where
  all scores of H are equal, each counts 1.
- `mrtydi`: sparse + α · dense, each list centred as (s − (min H + max H) / 2) / (max H − min H), or 0 where all of its
  scores are equal; a passage that a list lacks gets the minimum of that list (Zhang, Ma, Shi and Lin, "Mr. TyDi", MRL
  2021). Scores given here are higher by the constant of each list, which moves no passage.

Sums are in float64, and are then rounded to float32 and ranked as everything is: score, then passage id, descending.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.engine import search as exact
from harness.engine.search import Hits

#: What ranx knows a ranking by.
_Run: TypeAlias = Any
#: A query with one hit in every run: ranx cannot hold a run in which no query has a hit.
_NOBODY = "nobody"


def rrf(lists: Sequence[Hits], *, k: int, depth: int, tie_order: NDArray[np.int64]) -> Hits:
    """Reciprocal rank fusion of `lists`: Hits (Q, ·) of the same Q queries → the best `depth` of each query.

    Ranks are the places in each list. `tie_order` is that of the search.
    """
    # ranx ranks by score and leaves ties to an unstable sort: it is given scores that fall by one from place to place.
    runs = [_run(hits, _falling(hits)) for hits in lists]
    return _fuse(runs, "rrf", {"k": k}, len(lists[0].positions), depth, tie_order)


class WeightedSum:
    """A weighted sum of min-max-normalised lists, for as many weights as are tried.

    `flat` is what a hit counts in a list whose scores are all equal, for which the formula has no value.
    """

    def __init__(self, lists: Sequence[Hits], *, flat: float, depth: int, tie_order: NDArray[np.int64]) -> None:
        self._runs = [_run(hits, normalised(hits, flat)) for hits in lists]
        self._queries = len(lists[0].positions)
        self._depth = depth
        self._tie_order = tie_order

    def weighted(self, weights: Sequence[float]) -> Hits:
        """The best `depth` passages of each query by Σ weight · score."""
        parameters = {"weights": [float(weight) for weight in weights]}
        return _fuse(self._runs, "wsum", parameters, self._queries, self._depth, self._tie_order)


def normalised(hits: Hits, flat: float) -> NDArray[np.float64]:
    """Min-max-normalised scores (Q, k) of each query; `flat` where all are equal; past the last hit, anything."""
    present = hits.positions >= 0
    scores = hits.scores.astype(np.float64)
    lowest = np.where(present, scores, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    highest = np.where(present, scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        out: NDArray[np.float64] = np.where(highest > lowest, (scores - lowest) / (highest - lowest), flat)
    return out


def _falling(hits: Hits) -> NDArray[np.float64]:
    width = hits.positions.shape[1]
    return np.broadcast_to(np.arange(width, 0, -1, dtype=np.float64), hits.positions.shape)


def _run(hits: Hits, scores: NDArray[np.float64]) -> _Run:
    """`hits` with `scores` as ranx holds them: query → passage → score, both called by their position."""
    from ranx import Run

    rows: dict[str, dict[str, float]] = {_NOBODY: {"-1": 1.0}}
    for query, (positions, values) in enumerate(zip(hits.positions.tolist(), scores.tolist(), strict=True)):
        rows[str(query)] = {str(p): value for p, value in zip(positions, values, strict=True) if p >= 0}
    with _quiet():
        return Run(rows)


def _fuse(
    runs: Sequence[_Run],
    method: str,
    parameters: dict[str, Any],
    queries: int,
    depth: int,
    tie_order: NDArray[np.int64],
) -> Hits:
    from ranx import fuse

    with _quiet():
        fused = fuse(list(runs), norm=None, method=method, params=parameters)
    rows = [dict(fused.run[str(query)]) for query in range(queries)]
    width = max(map(len, rows), default=0)
    positions = np.full((queries, width), -1, dtype=np.int64)
    scores = np.zeros((queries, width), dtype=np.float32)
    for row, found in enumerate(rows):
        positions[row, : len(found)] = [int(position) for position in found]
        scores[row, : len(found)] = list(found.values())
    return exact.merge(exact.no_hits(queries), Hits(positions, scores), k=depth, tie_order=tie_order)


class _quiet(warnings.catch_warnings):
    """No warnings: numba has some about ranx's casts, each time that it compiles."""

    def __enter__(self) -> Any:
        entered = super().__enter__()
        warnings.simplefilter("ignore")
        return entered
