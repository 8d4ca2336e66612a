"""From a job to its hits: through vectors and the store for an encoder, directly for a searcher."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.encoders.protocols import Encoder, FloatArray, Role, Searcher
from harness.engine import search as exact
from harness.engine.encode import fill
from harness.engine.plan import DEPTH, Job
from harness.engine.search import Hits
from harness.engine.store import EmbeddingStore, Space
from harness.errors import EncoderContractError

#: Passages in one block of the scan.
BLOCK = 16_384


@dataclass(frozen=True)
class Retrieved:
    """Hits of one job, and what they cost."""

    hits: Hits
    encode_seconds: float
    search_seconds: float
    encoded_texts: int


def retrieve(
    job: Job, model: Encoder | Searcher, store: EmbeddingStore | None, advance: Callable[[int], None]
) -> Retrieved:
    """The best `DEPTH` passages for every query of `job`. `advance(n)` is told of every n texts encoded."""
    if isinstance(model, Searcher):
        return _with_searcher(job, model)
    if store is None:
        raise ValueError("an encoder needs a store")
    return _with_vectors(job, model, store, advance)


def _with_vectors(job: Job, encoder: Encoder, store: EmbeddingStore, advance: Callable[[int], None]) -> Retrieved:
    started = time.monotonic()
    encoded = 0
    found: dict[Role, tuple[Space, NDArray[np.int64]]] = {}
    roles: tuple[Role, ...] = ("query", "passage")
    for role in roles:
        texts = job.texts(role)
        space = store.space(encoder.info, role, texts.language)
        encoded += fill(space, encoder, texts, role=role, advance=advance)
        found[role] = space, space.locate(texts.digests)
    searching = time.monotonic()
    query_space, query_rows = found["query"]
    hits = exact.search(
        np.array(query_space.read(query_rows)),
        _blocks(*found["passage"]),
        k=DEPTH,
        tie_order=job.collection.corpus.tie_order,
    )
    return Retrieved(hits, searching - started, time.monotonic() - searching, encoded)


def _blocks(space: Space, rows: NDArray[np.int64]) -> Iterator[tuple[int, FloatArray]]:
    for start in range(0, len(rows), BLOCK):
        yield start, space.read(rows[start : start + BLOCK])


def _with_searcher(job: Job, searcher: Searcher) -> Retrieved:
    started = time.monotonic()
    passages, queries = job.texts("passage"), job.texts("query")
    searcher.index(passages, language=passages.language)
    searching = time.monotonic()
    positions, scores = searcher.search(queries, DEPTH, language=queries.language)
    positions, scores = np.asarray(positions, dtype=np.int64), np.asarray(scores, dtype=np.float32)
    if positions.ndim != 2 or positions.shape != scores.shape or len(positions) != len(queries):
        raise EncoderContractError(
            f"searcher {searcher.info.name!r} returned shapes {positions.shape} and {scores.shape} "
            f"for {len(queries)} queries"
        )
    if positions.size and (positions.max() >= len(passages) or positions.min() < -1):
        raise EncoderContractError(f"searcher {searcher.info.name!r} returned a position outside the corpus")
    ordered = np.sort(positions, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
        raise EncoderContractError(f"searcher {searcher.info.name!r} returned a passage twice for one query")
    # Ranked again, because a searcher need not break ties the way trec_eval does.
    hits = exact.merge(
        exact.no_hits(len(queries)), Hits(positions, scores), k=DEPTH, tie_order=job.collection.corpus.tie_order
    )
    return Retrieved(hits, searching - started, time.monotonic() - searching, 0)
