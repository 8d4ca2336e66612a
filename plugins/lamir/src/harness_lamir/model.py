"""The model: a weighted bag of feature embeddings, and nothing else.

    text → feature ids (see `features`) → rows of E, each times its own weight → mean → unit length

No word order, no attention: a text costs as many additions as it has features, on any processor.
It is a transformers model, so that `save_pretrained` and `from_pretrained` do what one expects;
only safetensors are ever read or written.

A trained model may be quantised to eight bits a number. Row i of E becomes a row of integers times
a scale; since the row is multiplied by a weight of its own anyway, the scale goes into that weight,
and nothing else changes. At the same size on disk, that buys twice the features.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import logging

__all__ = ["LamirConfig", "LamirModel", "no_progress_bars"]


class LamirConfig(PretrainedConfig):
    """The shape of a model.

    Args:
        vocab_size: V, the number of feature ids.
        dim: D, the size of an embedding.
        pad_token_id: the id that fills short rows; it is masked, never read.
        quantized: whether E is kept as 8-bit integers; such a model cannot be trained.
        **kwargs: whatever transformers keeps in its configurations.
    """

    model_type = "lamir"

    def __init__(
        self,
        vocab_size: int = 1024,
        dim: int = 256,
        pad_token_id: int = 0,
        quantized: bool = False,
        **kwargs: Any,
    ) -> None:
        """Keep the arguments; see the class."""
        self.vocab_size = vocab_size
        self.dim = dim
        self.pad_token_id = pad_token_id
        self.quantized = quantized
        super().__init__(**kwargs)


class LamirModel(PreTrainedModel):
    """A static encoder: the weighted mean of feature embeddings, normalised."""

    config_class = LamirConfig
    base_model_prefix = "lamir"
    table: Tensor  # (V, D) int8; of quantized models only

    def __init__(self, config: LamirConfig) -> None:
        """Make a model with random embeddings and equal weights."""
        super().__init__(config)
        if config.quantized:
            table = torch.zeros(config.vocab_size, config.dim, dtype=torch.int8)
            self.register_buffer("table", table)  # (V, D)
        else:
            self.embedding = nn.Embedding(config.vocab_size, config.dim)  # (V, D)
        self.weight = nn.Parameter(torch.ones(config.vocab_size))  # (V,)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Draw the embeddings; the mean of their lengths is about one."""
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=self.config.dim**-0.5)

    def set_frequencies(self, counts: Tensor, texts: int, factors: Tensor | None = None) -> None:
        """Set the weights to inverse document frequencies, scaled to a mean of one.

        Args:
            counts: (V,) how many texts hold each feature.
            texts: how many texts were counted.
            factors: (V,) what to multiply the weights with afterwards; nothing by default.
        """
        idf = torch.log((texts + 1.0) / (counts.float() + 1.0)) + 0.1  # (V,), all above 0
        with torch.no_grad():
            self.weight.copy_(idf / idf.mean() * (1 if factors is None else factors))

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Encode a padded batch.

        Args:
            input_ids: (B, L) int64 feature ids.
            attention_mask: (B, L) bool, true at features and false at padding; by default all
                ids but `pad_token_id` count.

        Returns:
            (B, D) unit vectors in the dtype of the embeddings; zeros for a row without features.
        """
        if attention_mask is None:
            attention_mask = input_ids != self.config.pad_token_id
        mask = attention_mask.bool()
        lengths = mask.sum(dim=1)  # (B,)
        ids = input_ids[mask]  # (F,) the features of the batch, row after row
        offsets = F.pad(lengths.cumsum(0)[:-1], (1, 0))  # (B,) where each row begins
        return F.normalize(self.sums(ids, offsets), dim=-1)

    def sums(self, ids: Tensor, offsets: Tensor) -> Tensor:
        """Return weighted sums of features: (F,) ids, laid end to end, and (B,) offsets to (B, D).

        The length of a text is normalised away later, so that the sum does for the mean.
        """
        weights = self.weight[ids]  # (F,)
        if self.config.quantized:
            used, ids = ids.unique(return_inverse=True)  # (U,) the features of this batch
            table = self.table[used].to(weights.dtype)  # (U, D)
        else:
            table = self.embedding.weight  # (V, D)
        return F.embedding_bag(
            ids, table, offsets, mode="sum", per_sample_weights=weights
        )  # (B, D)

    def quantize(self) -> LamirModel:
        """Return a copy of a trained model with E in 8-bit integers, -127 to 127 in every row."""
        config = LamirConfig(
            self.config.vocab_size, self.config.dim, self.config.pad_token_id, quantized=True
        )
        rows = self.embedding.weight.detach().float()  # (V, D)
        scales = rows.abs().amax(dim=1).clamp(min=1e-12) / 127  # (V,)
        copy = LamirModel(config)
        with torch.no_grad():
            copy.table.copy_((rows / scales[:, None]).round())
            copy.weight.copy_(self.weight * scales)
        copy.eval()
        return copy


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """Keep transformers from drawing its own bars for a file that takes no time to read."""
    enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if enabled:
            logging.enable_progress_bar()
