"""A model with BEIR's dense interface as an encoder of the harness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from harness._util import fingerprint
from harness.encoders.protocols import EncoderInfo, FloatArray, Role
from harness.encoders.text import without_surrogates
from harness.errors import EncoderContractError
from harness_beir.loading import load
from harness_beir.plugin import BeirOptions


class BeirEncoder:
    """A model that is called as `DenseRetrievalExactSearch` calls it.

    Vectors are the model's own; for similarity=cosine the engine scales them to unit length, as BEIR's cos_sim does.
    """

    def __init__(self, options: BeirOptions) -> None:
        loaded = load(options)
        self._model = loaded.model
        self._batch_size = options.batch_size
        inner = getattr(loaded.model, "q_model", None)
        prompts = {"query": "query_prefix", "passage": "doc_prefix"}
        self._info = EncoderInfo(
            name=loaded.name,
            dim=self._encode(["dimension"], "passage").shape[1],
            fingerprint=fingerprint.of_json({"encoder": "beir/1", **loaded.identity}),
            similarity=options.similarity,
            normalized=False,
            max_tokens=getattr(inner, "max_seq_length", None),
            prompts={role: text for role, name in prompts.items() if (text := getattr(loaded.model, name, None))},  # type: ignore[misc]
            device=str(getattr(inner, "device", "cpu")),
            dtype=_dtype(inner),
        )

    @property
    def info(self) -> EncoderInfo:
        """Facts about this encoder."""
        return self._info

    def encode(self, texts: Sequence[str], *, role: Role, language: str | None = None) -> FloatArray:
        """Vectors (len(texts), dim) float32, in the order of `texts`; `language` is not used.

        A passage, with its title in it already, is a document with an empty title, which BEIR's models join and strip.
        Raises EncoderContractError where the model returns something other than one vector for each text.
        """
        if not len(texts):
            return np.zeros((0, self.info.dim), dtype=np.float32)
        return self._encode(texts, role)

    def _encode(self, texts: Sequence[str], role: Role) -> FloatArray:
        clean = [without_surrogates(text) for text in texts]
        how = {"batch_size": self._batch_size, "show_progress_bar": False, "convert_to_tensor": True}
        if role == "query":
            answers = self._model.encode_queries(clean, **how)
        else:
            answers = self._model.encode_corpus([{"title": "", "text": text} for text in clean], **how)
        vectors = _to_array(answers)
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise EncoderContractError(f"BEIR's model returned shape {vectors.shape} for {len(texts)} texts")
        return vectors


def _to_array(answers: Any) -> FloatArray:
    """An array or tensor (n, dim), or a list of n of them, as float32 on the CPU."""
    if isinstance(answers, (list, tuple)) and answers and isinstance(answers[0], torch.Tensor):
        answers = torch.stack(list(answers))
    if isinstance(answers, torch.Tensor):
        answers = (answers.to_dense() if answers.is_sparse else answers).detach().cpu().float().numpy()
    try:
        return np.asarray(answers, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EncoderContractError(f"BEIR's model did not return one array: {error}") from error


def _dtype(inner: Any) -> str:
    """The type of the first floating weight."""
    if isinstance(inner, torch.nn.Module):
        for weight in inner.parameters():
            if weight.is_floating_point():
                return str(weight.dtype).removeprefix("torch.")
    return "float32"
