"""Reranking with a cross-encoder: query and passage are read together, by a model of sentence-transformers.

Nogueira and Cho, "Passage Re-ranking with BERT" (arXiv:1901.04085). The score is a logit and not a probability: float32
rounds the probability of every logit above 17 to 1, and the passages there would tie.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn, special

from harness._util import fingerprint
from harness.encoders.hardware import resolve_device, resolve_dtype
from harness.encoders.protocols import EncoderInfo, FloatArray
from harness.encoders.text import without_surrogates
from harness.encoders.weights import locate
from harness.errors import EncoderContractError, UsageError
from harness_sentence_transformers.family import require_family
from harness_sentence_transformers.limits import limit_tokens
from harness_sentence_transformers.plugin import CrossEncoderOptions

#: Pairs that are sorted by length together: enough for batches of even length, few enough to be held as tensors.
_CHUNK = 16_384


class CrossEncoderReranker:
    """A CrossEncoder of sentence-transformers: one forward pass for each pair.

    Raises UsageError for a model that is none or cannot be loaded, and for options that it cannot have.
    """

    def __init__(self, options: CrossEncoderOptions) -> None:
        from sentence_transformers import CrossEncoder

        weights = locate(options.model, options.revision, trust_remote_code=options.trust_remote_code)
        require_family(weights.folder, options.model, "CrossEncoder", "ForSequenceClassification", "ForCausalLM")
        device = resolve_device(options.device)
        dtype = resolve_dtype(options.dtype, device)
        try:
            self._model: Any = CrossEncoder(
                str(weights.folder),
                device=str(device),
                trust_remote_code=options.trust_remote_code,
                local_files_only=True,
                model_kwargs={"use_safetensors": True, "dtype": dtype},
                activation_fn=nn.Identity(),
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise UsageError(f"model {options.model!r} could not be loaded: {error}") from error
        max_tokens = limit_tokens(self._model, options.max_tokens, options.model)
        self._batch_size = options.batch_size
        self._scale = _Scale(_label(self._model, options), probability=options.scale == "probability")
        self._prompt = _prompt(self._model) if options.prompt is None else options.prompt
        self._info = EncoderInfo(
            name=options.name or weights.name,
            dim=0,
            fingerprint=fingerprint.of_json(
                {
                    "encoder": "cross-encoder/1",
                    "weights": weights.fingerprint,
                    "max_tokens": options.max_tokens,
                    "label": self._scale.label,
                    "scale": options.scale,
                    "prompt": self._prompt,
                }
            ),
            similarity="dot",
            normalized=False,
            max_tokens=max_tokens,
            prompts={"query": self._prompt} if self._prompt else {},
            model=weights.name if weights.revision is None else options.model,
            revision=weights.revision,
            licence=getattr(self._model.model_card_data, "license", None),
            device=str(device),
            dtype=str(dtype).removeprefix("torch."),
        )

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
        """Scores (n,) float32 of (query, passage) pairs, higher is better; each depends on its pair alone.

        Raises EncoderContractError where the network gives something that is not finite.
        """
        scores = np.zeros(len(pairs), dtype=np.float32)
        for start in range(0, len(pairs), _CHUNK):
            some = pairs[start : start + _CHUNK]
            scores[start : start + len(some)] = self._model.predict(
                [[without_surrogates(query), without_surrogates(passage)] for query, passage in some],
                prompt=self._prompt,
                batch_size=self._batch_size,
                activation_fn=self._scale,
                show_progress_bar=False,
            ).reshape(-1)
        if not np.isfinite(scores).all():
            raise EncoderContractError(
                f"cross-encoder {self.info.name!r} gave a score that is not finite",
                "In half precision a logit may overflow: use dtype=float32.",
            )
        return scores


class _Scale(nn.Module):
    """Logits (B, labels) → the log-odds of one label (B,), or its probability; the ranking is the same.

    A single logit is its own log-odds. Among several it is z_label − log Σ exp(z_other), whose sigmoid is the softmax.
    """

    def __init__(self, label: int, *, probability: bool) -> None:
        super().__init__()
        self.label = label
        self.probability = probability

    def forward(self, logits: Tensor) -> Tensor:
        """Scores (B,) of logits (B, labels), or of (B,) where there is one label."""
        logits = logits.reshape(len(logits), -1).float()
        scores = logits[:, self.label]
        if logits.shape[1] > 1:
            others = [i for i in range(logits.shape[1]) if i != self.label]
            scores = scores - logits[:, others].logsumexp(dim=1)
        return special.expit(scores) if self.probability else scores


def _label(model: Any, options: CrossEncoderOptions) -> int:
    """The column of the logits that means "relevant"."""
    count = int(model.num_labels)
    names = {int(i): str(name) for i, name in (getattr(model.config, "id2label", None) or {}).items()}
    known = ", ".join(f"{i} ({names[i]})" if i in names else str(i) for i in range(count))
    if options.label is None:
        if count != 1:
            raise UsageError(
                f"model {options.model!r} has {count} labels: {known}",
                "Say which one means relevant: -o label=1, by number or by name.",
            )
        return 0
    chosen = next((i for i, name in names.items() if name == options.label and i < count), None)
    if chosen is None and options.label.isdecimal() and int(options.label) < count:
        chosen = int(options.label)
    if chosen is None:
        raise UsageError(f"model {options.model!r} has no label {options.label!r}", f"It has {known}.")
    return chosen


def _prompt(model: Any) -> str:
    """The model's own default prompt, if it has one."""
    own: dict[str, str | None] = model.prompts or {}
    return own.get(model.default_prompt_name) or ""
