"""From a job to its hits: through vectors and the store for an encoder, directly for a searcher, and through those of
its parts for a composition.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from harness.encoders.compose import MinMaxOptions, MrTydiOptions, RrfOptions
from harness.encoders.protocols import Encoder, FloatArray, Role, Searcher
from harness.engine import search as exact
from harness.engine.ask import ask
from harness.engine.compose import Fusion, Model, PartError, Reranked
from harness.engine.encode import fill
from harness.engine.failure import reason
from harness.engine.fuse import WeightedSum, rrf
from harness.engine.plan import DEPTH, DEV, Job
from harness.engine.rerank import rerank
from harness.engine.search import Hits
from harness.engine.store import EmbeddingStore, Space
from harness.engine.tune import best_alpha
from harness.errors import EncoderContractError

#: Passages in one block of the scan.
BLOCK = 16_384


@dataclass(frozen=True)
class Retrieved:
    """Hits of one job, what they cost, and what was chosen on its dev split: `label.option` → value."""

    hits: Hits
    encode_seconds: float
    search_seconds: float
    encoded_texts: int
    tuned: Mapping[str, float] = field(default_factory=dict)


def retrieve(
    job: Job,
    model: Model,
    store: EmbeddingStore | None,
    advance: Callable[[int], None],
    rescored: Callable[[int, int], None] = lambda done, of: None,
) -> Retrieved:
    """The best `DEPTH` passages for every query of `job`.

    `advance(n)` is told of every n texts encoded, `rescored(n, of)` of every n pairs that a reranker has scored.
    """
    return Retriever(store, advance, rescored).retrieve(job, model)


class Retriever:
    """Retrieves for one job after the other; a searcher that has indexed a corpus is not given it a second time."""

    def __init__(
        self,
        store: EmbeddingStore | None,
        advance: Callable[[int], None],
        rescored: Callable[[int, int], None] = lambda done, of: None,
    ) -> None:
        self._store = store
        self._advance = advance
        self._rescored = rescored
        self._indexed: dict[int, tuple[object, ...]] = {}  # by searcher: what it has indexed last

    def retrieve(self, job: Job, model: Model) -> Retrieved:
        """The best `DEPTH` passages for every query of `job`."""
        if isinstance(model, Fusion):
            return self._fused(job, model)
        if isinstance(model, Reranked):
            return self._reranked(job, model)
        if isinstance(model, Searcher):
            return self._with_searcher(job, model)
        if self._store is None:
            raise ValueError("an encoder needs a store")
        return _with_vectors(job, model, self._store, self._advance)

    def _fused(self, job: Job, fusion: Fusion) -> Retrieved:
        dev = _tuning_job(job, fusion) if fusion.is_tuned else None
        found: list[Retrieved] = []
        tried: list[Retrieved] = []
        for label, part in fusion.parts.items():  # dev and test of one part together: they share a corpus
            with _blamed(f"part {label!r}"):
                tried += [self.retrieve(dev, part)] if dev else []
                found.append(self.retrieve(job, part))
                for one in (tried[-1:] if dev else []) + found[-1:]:
                    _check_finite(one.hits)
        started = time.monotonic()
        with _blamed(f"fusion {fusion.label!r}"):
            tuned = {}
            if dev is not None:
                alpha = best_alpha(dev, _weighted_sum(fusion, [one.hits for one in tried], dev))
                tuned[f"{fusion.label}.alpha"] = alpha
            hits = _fuse(fusion, [one.hits for one in found], job, tuned)
        return Retrieved(
            hits,
            sum(one.encode_seconds for one in (*tried, *found)),
            sum(one.search_seconds for one in (*tried, *found)) + time.monotonic() - started,
            sum(one.encoded_texts for one in (*tried, *found)),
            {key: value for one in found for key, value in one.tuned.items()} | tuned,
        )

    def _reranked(self, job: Job, model: Reranked) -> Retrieved:
        first = self.retrieve(job, model.first)
        started = time.monotonic()
        with _blamed(f"reranker {model.reranker.info.name!r}"):
            hits = rerank(job, first.hits, model.reranker, model.depth, self._rescored)
        return replace(first, hits=hits, search_seconds=first.search_seconds + time.monotonic() - started)

    def _with_searcher(self, job: Job, searcher: Searcher) -> Retrieved:
        started = time.monotonic()
        passages, queries = job.texts("passage"), job.texts("query")
        task = job.selected.task
        key = (job.collection.corpus.fingerprint, task.passage_template, task.lowercase, passages.language)
        if self._indexed.pop(id(searcher), None) != key:
            searcher.index(passages, language=passages.language)
        self._indexed[id(searcher)] = key
        searching = time.monotonic()
        hits = ask(searcher, queries, depth=DEPTH, tie_order=job.collection.corpus.tie_order)
        return Retrieved(hits, searching - started, time.monotonic() - searching, 0)


def _tuning_job(job: Job, fusion: Fusion) -> Job:
    """The job that `fusion` is tuned on; that of a dev split is itself tuned on, for a fusion around this one."""
    if job.dev is None and job.selected.split != DEV:
        raise ValueError(f"{fusion.info.name} is tuned, and its job has no dev split")
    return job.dev or job


def _weighted_sum(fusion: Fusion, lists: Sequence[Hits], job: Job) -> WeightedSum:
    """The min-max-normalised `lists` of `job`, to be added up; a list of equal scores counts as its method says."""
    flat = 0.0 if isinstance(fusion.options, MrTydiOptions) else 1.0
    return WeightedSum(lists, flat=flat, depth=DEPTH, tie_order=job.collection.corpus.tie_order)


def _fuse(fusion: Fusion, lists: Sequence[Hits], job: Job, tuned: Mapping[str, float]) -> Hits:
    options = fusion.options
    if isinstance(options, RrfOptions):
        return rrf(lists, k=options.k, depth=DEPTH, tie_order=job.collection.corpus.tie_order)
    if isinstance(options, MinMaxOptions):
        return _weighted_sum(fusion, lists, job).weighted(options.weights or [1.0] * len(lists))
    if isinstance(options, MrTydiOptions):
        alpha = tuned[f"{fusion.label}.alpha"] if options.alpha == DEV else float(options.alpha)
        return _weighted_sum(fusion, lists, job).weighted([1.0, alpha])
    raise ValueError(f"there is no fusion {fusion.method!r}")


@contextmanager
def _blamed(culprit: str) -> Iterator[None]:
    """What goes wrong in here becomes a PartError that begins with `culprit`, unless it names a part already."""
    try:
        yield
    except PartError:
        raise
    except Exception as error:  # a part is foreign code
        raise PartError(f"{culprit}: {reason(error)}") from error


def _check_finite(hits: Hits) -> None:
    """Raise EncoderContractError for a hit without a finite score: there is no fusing it."""
    if not np.isfinite(hits.scores[hits.positions >= 0]).all():
        raise EncoderContractError("a hit has a score that is NaN or infinite")


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
