"""Asking a searcher: its answer is held to its contract, and equal scores at the cut are decided as everywhere.

A searcher knows no ids, so of passages that tie at the last place it returns whichever come to hand, and trec_eval's
rule (by id, descending) would never see the others. One hit more than is needed shows where that may have happened.
Such queries are asked again for more hits, until something worse than the tie comes back or the corpus ends.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.encoders.protocols import FloatArray, Searcher
from harness.engine import search as exact
from harness.engine.search import Hits
from harness.engine.texts import Texts
from harness.errors import EncoderContractError

#: How many times as many hits the next question is for.
_WIDER = 4
#: Hits asked for at a time when queries are asked again: 48 MiB of positions and scores.
_CELLS = 1 << 22


def ask(searcher: Searcher, queries: Texts, *, depth: int, tie_order: NDArray[np.int64]) -> Hits:
    """The best `depth` passages of what `searcher` has indexed, for each of `queries` (Q): arrays (Q, depth).

    `tie_order` (N,) is the rank of each passage that decides between equal scores, higher first.
    Raises EncoderContractError for an answer of another shape, a position outside the corpus, or one twice in a row.
    """
    k = depth + 1
    positions, scores = _answer(searcher, queries, k, queries.language, len(tie_order))
    best = _best(positions, scores, depth, tie_order)
    rows = np.flatnonzero(_is_open(positions, scores, depth, k))
    while len(rows) and k < len(tie_order):
        k = min(len(tie_order), _WIDER * k)
        step = max(1, _CELLS // k)
        still = []
        for some in np.split(rows, range(step, len(rows), step)):
            positions, scores = _answer(searcher, queries.take(some), k, queries.language, len(tie_order))
            more = _best(positions, scores, depth, tie_order)
            best.positions[some], best.scores[some] = more.positions, more.scores
            still.append(_is_open(positions, scores, depth, k))
        rows = rows[np.concatenate(still)]
    return best


def _answer(
    searcher: Searcher, queries: Sequence[str], k: int, language: str | None, passages: int
) -> tuple[NDArray[np.int64], FloatArray]:
    """Positions and scores (Q, columns) as the searcher gives them, checked."""
    found = searcher.search(queries, k, language=language)
    positions, scores = np.asarray(found[0], dtype=np.int64), np.asarray(found[1], dtype=np.float32)
    name = searcher.info.name
    if positions.ndim != 2 or positions.shape != scores.shape or len(positions) != len(queries):
        raise EncoderContractError(
            f"searcher {name!r} returned shapes {positions.shape} and {scores.shape} for {len(queries)} queries"
        )
    if positions.size and (positions.max() >= passages or positions.min() < -1):
        raise EncoderContractError(f"searcher {name!r} returned a position outside the corpus")
    ordered = np.sort(positions, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
        raise EncoderContractError(f"searcher {name!r} returned a passage twice for one query")
    return positions, scores


def _best(positions: NDArray[np.int64], scores: FloatArray, depth: int, tie_order: NDArray[np.int64]) -> Hits:
    """The best `depth` of an answer, ranked again because a searcher need not break ties the way trec_eval does."""
    ranked = exact.merge(exact.no_hits(len(positions)), Hits(positions, scores), k=depth, tie_order=tie_order)
    lacking = ((0, 0), (0, depth - ranked.positions.shape[1]))
    return Hits(np.pad(ranked.positions, lacking, constant_values=-1), np.pad(ranked.scores, lacking))


def _is_open(positions: NDArray[np.int64], scores: FloatArray, depth: int, k: int) -> NDArray[np.bool_]:
    """True (Q,) where all `k` places are taken and the worst hit has the score of the `depth`-th best."""
    present = positions >= 0
    worst = np.where(present, scores, np.inf).min(axis=1, initial=np.inf)
    last = np.sort(np.where(present, scores, -np.inf), axis=1)[:, -depth:][:, :1]
    return np.asarray((present.sum(axis=1) >= k) & (last == worst[:, None]).any(axis=1))
