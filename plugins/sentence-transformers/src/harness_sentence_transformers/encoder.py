"""The encoder: sentence-transformers does the encoding, this module says what was loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from harness._util import fingerprint
from harness.encoders.hardware import resolve_device, resolve_dtype
from harness.encoders.protocols import EncoderInfo, FloatArray, Role
from harness.encoders.text import without_surrogates
from harness.encoders.weights import locate
from harness.errors import UsageError
from harness_sentence_transformers import carried
from harness_sentence_transformers.loading import input_modules, limit_inputs, load_model
from harness_sentence_transformers.plugin import SentenceTransformerOptions
from harness_sentence_transformers.prompts import choose_prompt
from harness_sentence_transformers.runtimes import require_packages


class SentenceTransformerEncoder:
    """A sentence-transformers model, with its own pooling, prompts and similarity unless options say otherwise.

    Raises UsageError for options that contradict each other or the model, and for a model that cannot be loaded.
    """

    def __init__(self, options: SentenceTransformerOptions) -> None:
        device, dtype = _hardware(options)
        weights = locate(
            options.model,
            options.revision,
            trust_remote_code=options.trust_remote_code,
            also=carried.PATTERNS[options.backend],
        )
        self._model: Any = load_model(
            weights.folder, options.model, device, dtype, trust_remote_code=options.trust_remote_code
        )
        max_tokens = limit_inputs(self._model, options.max_tokens, options.model)
        self._batch_size = options.batch_size
        self._normalize = options.normalize
        self._dim = _truncated(self._model, options)
        own: dict[str, str] = self._model.prompts or {}
        prompts: dict[Role, str] = {
            "query": choose_prompt(own, "query", options.query_prompt, options.query_prompt_name),
            "passage": choose_prompt(own, "passage", options.passage_prompt, options.passage_prompt_name),
        }
        made_of: dict[str, Any] = {
            "encoder": "sentence-transformers/1",
            "weights": weights.fingerprint,
            "max_tokens": options.max_tokens,
            "normalize": options.normalize,
            "prompts": prompts,
        }
        # Only what departs from the default is added, so that vectors of earlier versions are found again.
        if options.dim is not None:
            made_of["dim"] = options.dim
        if options.backend != "torch":
            from harness_sentence_transformers.networks import replace_networks

            network = replace_networks(
                self._model, weights.folder, weights.fingerprint, options.backend, options.quantization
            )
            made_of |= {"backend": options.backend, "quantization": options.quantization, "network": network}
        self._info = EncoderInfo(
            name=options.name or weights.name,
            dim=self._dim,
            fingerprint=fingerprint.of_json(made_of),
            similarity="cosine" if options.normalize else "dot",
            normalized=options.normalize,
            max_tokens=max_tokens,
            prompts=prompts,
            model=weights.name if weights.revision is None else options.model,
            revision=weights.revision,
            licence=getattr(self._model.model_card_data, "license", None),
            device=str(device),
            dtype="int8" if options.quantization == "int8" else str(dtype).removeprefix("torch."),
        )
        if len(input_modules(self._model)) > 1:
            self._try_routes(options.model)

    @property
    def info(self) -> EncoderInfo:
        """Facts about this encoder."""
        return self._info

    def encode(self, texts: Sequence[str], *, role: Role, language: str | None = None) -> FloatArray:
        """Vectors (len(texts), dim) float32, in the order of `texts`.

        The role is the library's task as well: it chooses the route of an asymmetric model.
        """
        if not texts:
            return np.zeros((0, self.info.dim), dtype=np.float32)
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        vectors = encode(
            [without_surrogates(text) for text in texts],
            prompt=self.info.prompts[role],
            batch_size=self._batch_size,
            normalize_embeddings=self._normalize,
            truncate_dim=self._dim,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, dtype=np.float32)

    def _try_routes(self, model: str) -> None:
        """Raise UsageError unless an asymmetric model has a route for each role, to vectors of one size."""
        for role in ("query", "passage"):
            try:
                size = self.encode(["text"], role=role).shape[1]
            except ValueError as error:
                raise UsageError(f"model {model!r} has no route for the role {role}: {error}") from error
            if size != self.info.dim:
                raise UsageError(
                    f"model {model!r}: a {role} has {size} dimensions, not {self.info.dim}",
                    "The routes of this model do not share a space; dim= cuts both to one size if they are nested.",
                )


def _hardware(options: SentenceTransformerOptions) -> tuple[torch.device, torch.dtype]:
    """Device and precision of the weights; UsageError where a backend cannot have what was asked for."""
    if options.backend == "torch":
        if options.quantization != "none":
            raise UsageError(f"quantization={options.quantization} needs backend=onnx or backend=openvino")
        device = resolve_device(options.device)
        return device, resolve_dtype(options.dtype, device)
    if options.device not in ("auto", "cpu"):
        raise UsageError(f"backend={options.backend} runs on the CPU, not on {options.device}", "Use backend=torch.")
    if options.dtype not in ("auto", "float32"):
        raise UsageError(
            f"backend={options.backend} runs in float32, not in {options.dtype}", "quantization=int8 is faster."
        )
    require_packages(options.backend, options.quantization)
    return torch.device("cpu"), torch.float32


def _truncated(model: Any, options: SentenceTransformerOptions) -> int:
    """The size of the vectors, cut to `dim` where that was asked for, or to the model's own truncation."""
    own, model.truncate_dim = model.truncate_dim, None
    full = model.get_embedding_dimension() if hasattr(model, "get_embedding_dimension") else None
    full = int(model.get_sentence_embedding_dimension() if full is None else full)
    if options.dim is None:
        return full if own is None else min(int(own), full)
    if options.dim > full:
        raise UsageError(f"dim={options.dim} is above the {full} dimensions of model {options.model!r}")
    return options.dim
