"""The model: a weighted bag of feature embeddings, and nothing else.

    text → feature ids (see `features`) → rows of E, each times its own weight → mean → unit length

No word order, no attention: a text costs as many additions as it has features, on any processor.
It is a transformers model, so that `save_pretrained` and `from_pretrained` do what one expects;
only safetensors are ever read or written.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

__all__ = ["LamirConfig", "LamirModel"]


class LamirConfig(PretrainedConfig):
    """The shape of a model.

    Args:
        vocab_size: V, the number of feature ids.
        dim: D, the size of an embedding.
        pad_token_id: the id that fills short rows; it is masked, never read.
        **kwargs: whatever transformers keeps in its configurations.
    """

    model_type = "lamir"

    def __init__(
        self, vocab_size: int = 1024, dim: int = 256, pad_token_id: int = 0, **kwargs: Any
    ) -> None:
        """Keep the arguments; see the class."""
        self.vocab_size = vocab_size
        self.dim = dim
        self.pad_token_id = pad_token_id
        super().__init__(**kwargs)


class LamirModel(PreTrainedModel):
    """A static encoder: the weighted mean of feature embeddings, normalised."""

    config_class = LamirConfig
    base_model_prefix = "lamir"

    def __init__(self, config: LamirConfig) -> None:
        """Make a model with random embeddings and equal weights."""
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.dim)  # (V, D)
        self.weight = nn.Parameter(torch.ones(config.vocab_size))  # (V,)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Draw the embeddings; the mean of their lengths is about one."""
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=self.config.dim**-0.5)

    def set_frequencies(self, counts: Tensor, texts: int) -> None:
        """Set the weights to inverse document frequencies, scaled to a mean of one.

        Args:
            counts: (V,) how many texts hold each feature.
            texts: how many texts were counted.
        """
        idf = torch.log((texts + 1.0) / (counts.float() + 1.0)) + 0.1  # (V,), all above 0
        with torch.no_grad():
            self.weight.copy_(idf / idf.mean())

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
        return F.embedding_bag(
            ids, self.embedding.weight, offsets, mode="sum", per_sample_weights=weights
        )  # (B, D)
