"""The encoder: sentence-transformers does the encoding, this module says what was loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness._util import fingerprint
from harness.encoders.hardware import resolve_device, resolve_dtype
from harness.encoders.protocols import EncoderInfo, FloatArray, Role
from harness.encoders.text import without_surrogates
from harness.errors import UsageError
from harness_sentence_transformers.plugin import SentenceTransformerOptions
from harness_sentence_transformers.weights import locate

#: Names under which models of the library keep the prompts of each role.
_PROMPT_NAMES: dict[Role, tuple[str, ...]] = {"query": ("query",), "passage": ("passage", "document", "corpus")}


class SentenceTransformerEncoder:
    """A sentence-transformers model, with its own pooling, prompts and similarity unless options say otherwise."""

    def __init__(self, options: SentenceTransformerOptions) -> None:
        from sentence_transformers import SentenceTransformer

        weights = locate(options.model, options.revision, trust_remote_code=options.trust_remote_code)
        device = resolve_device(options.device)
        dtype = resolve_dtype(options.dtype, device)
        try:
            self._model: Any = SentenceTransformer(
                str(weights.folder),
                device=str(device),
                trust_remote_code=options.trust_remote_code,
                local_files_only=True,
                model_kwargs={"use_safetensors": True, "dtype": dtype},
            )
        except (OSError, ValueError) as error:
            raise UsageError(f"model {options.model!r} could not be loaded: {error}") from error
        if options.max_tokens is not None:
            self._model.max_seq_length = options.max_tokens
        self._batch_size = options.batch_size
        self._normalize = options.normalize
        prompts: dict[Role, str] = {
            "query": self._prompt("query", options.query_prompt),
            "passage": self._prompt("passage", options.passage_prompt),
        }
        self._info = EncoderInfo(
            name=options.name or weights.name,
            dim=_dimension(self._model),
            fingerprint=fingerprint.of_json(
                {
                    "encoder": "sentence-transformers/1",
                    "weights": weights.fingerprint,
                    "max_tokens": options.max_tokens,
                    "normalize": options.normalize,
                    "prompts": prompts,
                }
            ),
            similarity="cosine" if options.normalize else "dot",
            normalized=options.normalize,
            max_tokens=self._model.max_seq_length,
            prompts=prompts,
            model=weights.name if weights.revision is None else options.model,
            revision=weights.revision,
            licence=getattr(self._model.model_card_data, "license", None),
            device=str(device),
            dtype=str(dtype).removeprefix("torch."),
        )

    @property
    def info(self) -> EncoderInfo:
        """Facts about this encoder."""
        return self._info

    def encode(self, texts: Sequence[str], *, role: Role, language: str | None = None) -> FloatArray:
        """Vectors (len(texts), dim) float32, in the order of `texts`."""
        if not texts:
            return np.zeros((0, self.info.dim), dtype=np.float32)
        vectors = self._model.encode(
            [without_surrogates(text) for text in texts],
            prompt=self.info.prompts[role],
            batch_size=self._batch_size,
            normalize_embeddings=self._normalize,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, dtype=np.float32)

    def _prompt(self, role: Role, wanted: str | None) -> str:
        """The prompt asked for, else the model's own for this role, else none."""
        if wanted is not None:
            return wanted
        own: dict[str, str] = self._model.prompts or {}
        return next((own[name] for name in _PROMPT_NAMES[role] if own.get(name)), "")


def _dimension(model: Any) -> int:
    """The size of a model's vectors; the method was renamed in version 6 of the library."""
    ask = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
    return int(ask())
