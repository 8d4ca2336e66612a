"""An mteb model that searches by itself as a searcher of the harness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mteb import EncoderProtocol, SearchProtocol
from mteb.models import SearchEncoderWrapper

from harness.encoders.protocols import EncoderInfo, FloatArray, IntArray
from harness_mteb.batches import documents, questions
from harness_mteb.facts import describe
from harness_mteb.loading import load
from harness_mteb.plugin import MtebOptions
from harness_mteb.tasks import SPLIT, SUBSET, in_language, metadata_of


class MtebSearcher:
    """A model with mteb's `SearchProtocol`, or one that mteb searches with its own wrapper (sparse encoders)."""

    def __init__(self, options: MtebOptions) -> None:
        self._task = metadata_of(options.task)
        self._batch_size = options.batch_size
        loaded = load(options, "mteb-searcher")
        direct = isinstance(loaded.model, SearchProtocol) or not isinstance(loaded.model, EncoderProtocol)
        self._search: Any = loaded.model if direct else SearchEncoderWrapper(loaded.model)
        self._corpus: Any = documents([])
        self._language: str | None = None
        self._info = describe(loaded, "mteb-searcher", dim=0, language_aware=True)

    @property
    def info(self) -> EncoderInfo:
        """Facts about this searcher."""
        return self._info

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Take the corpus; replaces what an earlier call indexed."""
        self._corpus, self._language = documents(list(passages)), language
        if len(self._corpus):
            self._index()

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> tuple[IntArray, FloatArray]:
        """Positions (n, k) int64 of the best passages, −1 where there are fewer, and their scores (n, k) float32."""
        positions = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.zeros((len(queries), k), dtype=np.float32)
        wanted = min(k, len(self._corpus))
        if not len(queries) or not wanted:
            return positions, scores
        if getattr(self._search, "task_corpus", self._corpus) is None:  # mteb's wrappers let go of it after a search
            self._index()
        found = self._search.search(
            questions(list(queries)), top_k=wanted, top_ranked=None, **self._arguments(language or self._language)
        )
        for row in range(len(queries)):
            hits = sorted(found.get(str(row), {}).items(), key=lambda hit: (-hit[1], int(hit[0])))[:k]
            for place, (name, score) in enumerate(hits):
                positions[row, place], scores[row, place] = int(name), score
        return positions, scores

    def _index(self) -> None:
        self._search.index(corpus=self._corpus, **self._arguments(self._language))

    def _arguments(self, language: str | None) -> dict[str, Any]:
        return {
            "task_metadata": in_language(self._task, language),
            "hf_split": SPLIT,
            "hf_subset": SUBSET,
            "encode_kwargs": {"batch_size": self._batch_size, "show_progress_bar": False},
            "num_proc": None,
        }
