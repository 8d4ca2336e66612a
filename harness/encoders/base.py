"""The base class of encoders on torch: everything around `forward`.

Texts are freed of lone surrogates, prompted and tokenized ahead of any batch, sorted by length, and cut into batches by
a budget of tokens (padding included), so that a batch of long passages and a batch of short questions cost about the
same memory. A subclass says how a text becomes ids and what the network makes of them; pooling, normalisation, device,
dtype and order are dealt with here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from harness.encoders.hardware import resolve_device, resolve_dtype
from harness.encoders.protocols import EncoderInfo, FloatArray, Role
from harness.encoders.text import without_surrogates
from harness.errors import UsageError

Pooling = Literal["mean", "cls"]


class TorchEncoder(ABC):
    """An encoder whose vectors come from a torch module.

    A subclass implements `forward`, and `tokenize` unless it passes a Hugging Face `tokenizer`. `batch_tokens` bounds
    rows × longest row of one batch. `device` and `dtype` are "auto" or torch names; "auto" takes what the hardware
    has (see `harness.encoders.hardware`). `info.device` and `info.dtype` are overwritten with what was resolved.
    """

    #: Id that fills short rows; its value never matters because the attention mask excludes it.
    pad_id: int = 0

    def __init__(
        self,
        module: nn.Module,
        info: EncoderInfo,
        *,
        tokenizer: Any = None,
        pooling: Pooling = "mean",
        device: str = "auto",
        dtype: str = "auto",
        batch_tokens: int = 16_384,
    ) -> None:
        if batch_tokens < 1:
            raise UsageError(f"batch_tokens must be at least 1, not {batch_tokens}")
        self.device = resolve_device(device)
        self.dtype = resolve_dtype(dtype, self.device)
        self.module = module.to(device=self.device, dtype=self.dtype).eval()
        self.tokenizer = tokenizer
        self.pooling: Pooling = pooling
        self.batch_tokens = batch_tokens
        if tokenizer is not None and tokenizer.pad_token_id is not None:
            self.pad_id = tokenizer.pad_token_id
        self._info = replace(info, device=str(self.device), dtype=str(self.dtype).removeprefix("torch."))

    @property
    def info(self) -> EncoderInfo:
        """Facts about this encoder."""
        return self._info

    def tokenize(self, texts: list[str]) -> list[Sequence[int]]:
        """Ids of each text, special tokens included, cut at `info.max_tokens`; at least one id a text."""
        if self.tokenizer is None:
            raise TypeError(f"{type(self).__name__} has no tokenizer: pass one, or implement tokenize()")
        limit = self.info.max_tokens
        batch = self.tokenizer(texts, truncation=limit is not None, max_length=limit, padding=False)
        return cast(list[Sequence[int]], batch["input_ids"])

    @abstractmethod
    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Run the network.

        `input_ids` (B, L) int64 and `attention_mask` (B, L) bool → token states (B, L, D), which are pooled here, or
        text vectors (B, D), which are taken as they are.
        """

    def encode(self, texts: Sequence[str], *, role: Role, language: str | None = None) -> FloatArray:
        """Vectors (len(texts), info.dim) float32, in the order of `texts`."""
        out = np.zeros((len(texts), self.info.dim), dtype=np.float32)
        if not texts:
            return out
        prompt = cast(Mapping[str, str], self.info.prompts).get(role, "")
        rows = self.tokenize([without_surrogates(prompt + text) for text in texts])
        with torch.inference_mode():
            for batch in _batches([len(row) for row in rows], self.batch_tokens):
                input_ids, mask = self._pad([rows[i] for i in batch])
                states = self.forward(input_ids, mask)
                vectors = (self._pool(states, mask) if states.dim() == 3 else states).float()
                if self.info.normalized:
                    vectors = nn.functional.normalize(vectors, dim=-1)
                out[batch] = vectors.cpu().numpy()
        return out

    def _pad(self, rows: list[Sequence[int]]) -> tuple[Tensor, Tensor]:
        longest = max(1, max(len(row) for row in rows))
        input_ids = torch.full((len(rows), longest), self.pad_id, dtype=torch.int64)
        mask = torch.zeros((len(rows), longest), dtype=torch.bool)
        for i, row in enumerate(rows):
            input_ids[i, : len(row)] = torch.as_tensor(row, dtype=torch.int64)
            mask[i, : len(row)] = True
        return input_ids.to(self.device), mask.to(self.device)

    def _pool(self, states: Tensor, mask: Tensor) -> Tensor:
        """Token states (B, L, D) and mask (B, L) → text vectors (B, D)."""
        if self.pooling == "cls":
            return states[:, 0]
        weights = mask.unsqueeze(-1).to(states.dtype)  # (B, L, 1)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1)


def _batches(lengths: list[int], budget: int) -> Iterator[list[int]]:
    """Positions grouped so that rows × longest row stays within `budget`, longest first.

    Longest first, because then the first batch is the one that would run out of memory. A row longer than the budget
    forms a batch of its own.
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    start = 0
    while start < len(order):
        longest = max(1, lengths[order[start]])
        size = max(1, budget // longest)
        yield order[start : start + size]
        start += size
