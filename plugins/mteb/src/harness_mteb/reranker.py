"""An mteb cross-encoder as a reranker of the harness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.encoders.protocols import EncoderInfo, FloatArray
from harness.errors import EncoderContractError
from harness_mteb.batches import batches
from harness_mteb.facts import describe, to_array
from harness_mteb.loading import load
from harness_mteb.plugin import MtebOptions
from harness_mteb.tasks import SPLIT, SUBSET, metadata_of


class MtebReranker:
    """A model with mteb's `CrossEncoderProtocol`, given queries and documents as mteb pairs them."""

    def __init__(self, options: MtebOptions) -> None:
        self._task = metadata_of(options.task)
        self._batch_size = options.batch_size
        loaded = load(options, "mteb-reranker")
        self._model = loaded.model
        self._info = describe(loaded, "mteb-reranker", dim=0)

    @property
    def info(self) -> EncoderInfo:
        """Facts about this reranker."""
        return self._info

    def score(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        query_language: str | None = None,
        passage_language: str | None = None,
    ) -> FloatArray:
        """Scores (n,) float32 of (query, passage) pairs, higher is better.

        Raises EncoderContractError where the model returns something other than one score for each pair.
        """
        if not len(pairs):
            return np.zeros(0, dtype=np.float32)
        answers = self._model.predict(
            batches([query for query, _ in pairs], "query", self._batch_size),
            batches([passage for _, passage in pairs], "passage", self._batch_size),
            task_metadata=self._task,
            hf_split=SPLIT,
            hf_subset=SUBSET,
            batch_size=self._batch_size,
            show_progress_bar=False,
        )
        scores = to_array(answers, "mteb's cross-encoder")
        if scores.size != len(pairs):
            raise EncoderContractError(f"mteb's cross-encoder returned shape {scores.shape} for {len(pairs)} pairs")
        return scores.reshape(-1)
