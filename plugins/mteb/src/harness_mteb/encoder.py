"""An mteb encoder as an encoder of the harness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.encoders.protocols import EncoderInfo, FloatArray, Role
from harness.errors import EncoderContractError
from harness_mteb.batches import batches
from harness_mteb.facts import PROMPT_TYPES, describe, prompts_of, similarity_of, to_array
from harness_mteb.loading import load
from harness_mteb.plugin import MtebEncoderOptions
from harness_mteb.tasks import SPLIT, SUBSET, metadata_of


class MtebEncoder:
    """A model that mteb loads, given what mteb would give it: batches, prompt type, and the task's metadata.

    Vectors are the model's own; where mteb compares by cosine, the engine scales them to unit length.
    """

    def __init__(self, options: MtebEncoderOptions) -> None:
        self._task = metadata_of(options.task)
        self._batch_size = options.batch_size
        loaded = load(options, "mteb", embed_dim=options.embed_dim)
        self._model = loaded.model
        known = loaded.meta.embed_dim
        # One short text tells the size for certain; only where each text is paid for, the registry is believed.
        remote = "API" in loaded.meta.framework and isinstance(known, int) and options.embed_dim is None
        self._info = describe(
            loaded,
            "mteb",
            dim=known if remote else self._encode(["dimension"], "passage").shape[1],
            similarity=options.similarity or similarity_of(loaded),
            normalized=False,
            prompts=prompts_of(loaded, self._task),
        )

    @property
    def info(self) -> EncoderInfo:
        """Facts about this encoder."""
        return self._info

    def encode(self, texts: Sequence[str], *, role: Role, language: str | None = None) -> FloatArray:
        """Vectors (len(texts), dim) float32, in the order of `texts`; `language` is not used.

        Passages are stripped at the ends, as mteb strips every document. Raises EncoderContractError where the model
        returns something other than one vector for each text.
        """
        if not len(texts):
            return np.zeros((0, self.info.dim), dtype=np.float32)
        return self._encode(texts, role)

    def _encode(self, texts: Sequence[str], role: Role) -> FloatArray:
        answers = self._model.encode(
            batches(texts, role, self._batch_size),
            task_metadata=self._task,
            hf_split=SPLIT,
            hf_subset=SUBSET,
            prompt_type=PROMPT_TYPES[role],
            batch_size=self._batch_size,
            show_progress_bar=False,
        )
        vectors = to_array(answers, "mteb's model")
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise EncoderContractError(f"mteb's model returned shape {vectors.shape} for {len(texts)} texts")
        return vectors
