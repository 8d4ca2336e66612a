"""The model: two weighted bags of features side by side, one learned and one fixed.

    text → feature ids (see `extractor`) ┬→ rows of E, each times a weight        → sum → unit length ┐
                                        └→ fixed random signs in fixed places,                       ├→ concatenated
                                           each times another weight             → sum → unit length ┘

The **semantic** half is learned: E brings "Fluss" and "river" together. The **lexical** half costs no embedding: every
feature owns one place and one sign among its dimensions, derived from its id (the hashing trick of Weinberger et al.,
ICML 2009), and only the weights are learned. It keeps names, numbers and loans apart, which a small E cannot: there
are more of them than E has dimensions. A dot product of two texts is then

    (1 − share) · cosine of the semantic halves + share · cosine of the lexical halves.

No word order, no attention: a text costs as many additions as it has features, on any processor. It is a transformers
model, so that `save_pretrained` and `from_pretrained` do what one expects; only safetensors are ever read or written.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from harness_lamir.backbones.hashed import owners_of, scatter

__all__ = ["LamirConfig", "LamirModel"]


class LamirConfig(PretrainedConfig):
    """The shape of a model.

    Args:
        vocab_size: V, the number of feature ids.
        semantic_dim: S, the learned dimensions.
        lexical_dim: L, the fixed dimensions; 0 for none.
        lexical_share: what the lexical half contributes to a dot product, from 0 to 1.
        pad_token_id: the id that fills short rows; it is masked, never read.
        **kwargs: whatever transformers keeps in its configurations.
    """

    model_type = "lamir"

    def __init__(
        self,
        vocab_size: int = 1024,
        semantic_dim: int = 256,
        lexical_dim: int = 0,
        lexical_share: float = 0.0,
        pad_token_id: int = 0,
        **kwargs: Any,
    ) -> None:
        """Keep the arguments; see the class."""
        self.vocab_size = vocab_size
        self.semantic_dim = semantic_dim
        self.lexical_dim = lexical_dim
        self.lexical_share = lexical_share if lexical_dim else 0.0
        self.pad_token_id = pad_token_id
        super().__init__(**kwargs)

    @property
    def dim(self) -> int:
        """Dimensions of a text's vector: S + L."""
        return self.semantic_dim + self.lexical_dim


class LamirModel(PreTrainedModel):
    """A static encoder: learned and fixed features of a text, weighted, summed, normalised."""

    config_class = LamirConfig
    base_model_prefix = "lamir"

    def __init__(self, config: LamirConfig) -> None:
        """Make a model with random embeddings and equal weights."""
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.semantic_dim)  # (V, S)
        self.weight = nn.Parameter(torch.ones(config.vocab_size))  # (V,)
        if config.lexical_dim:
            self.lexical_weight = nn.Parameter(torch.ones(config.vocab_size))  # (V,)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Draw the embeddings; the mean of their lengths is about one."""
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=self.config.semantic_dim**-0.5)

    def set_frequencies(self, counts: Tensor, texts: int, factors: Tensor | None = None) -> None:
        """Set the weights to inverse document frequencies, scaled to a mean of one.

        Args:
            counts: (V,) how many texts hold each feature.
            texts: how many texts were counted.
            factors: (V,) what to multiply the semantic weights with afterwards; nothing by default.
        """
        idf = torch.log((texts + 1.0) / (counts.float() + 1.0)) + 0.1  # (V,), all above 0
        idf = idf / idf.mean()
        with torch.no_grad():
            self.weight.copy_(idf * (1 if factors is None else factors))
            if self.config.lexical_dim:
                self.lexical_weight.copy_(idf)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Encode a padded batch.

        Args:
            input_ids: (B, W) int64 feature ids.
            attention_mask: (B, W) bool, true at features and false at padding; by default all
                ids but `pad_token_id` count.

        Returns:
            (B, S + L) unit vectors in the dtype of the embeddings; zeros for a row without features.
        """
        if attention_mask is None:
            attention_mask = input_ids != self.config.pad_token_id
        mask = attention_mask.bool()
        lengths = mask.sum(dim=1)  # (B,)
        ids = input_ids[mask]  # (F,) the features of the batch, row after row
        offsets = F.pad(lengths.cumsum(0)[:-1], (1, 0))  # (B,) where each row begins
        return self.join(self.sums(ids, offsets))

    def sums(self, ids: Tensor, offsets: Tensor) -> Tensor:
        """Return weighted sums of features: (F,) ids, laid end to end, and (B,) offsets to (B, S + L).

        The length of a text is normalised away later, so that the sum does for the mean, and sums of sums are sums.
        """
        semantic = F.embedding_bag(
            ids, self.embedding.weight, offsets, mode="sum", per_sample_weights=self.weight[ids]
        )  # (B, S)
        if not self.config.lexical_dim:
            return semantic
        return torch.cat([semantic, self._lexical(ids, offsets)], dim=1)

    def _lexical(self, ids: Tensor, offsets: Tensor) -> Tensor:
        """Add every feature's weight, with its sign, at its place: (F,) and (B,) to (B, L)."""
        rows = owners_of(offsets, len(ids))  # (F,)
        return scatter(ids, self.lexical_weight[ids], rows, len(offsets), self.config.lexical_dim)

    def join(self, sums: Tensor) -> Tensor:
        """Bring both halves of (B, S + L) sums to unit length and to their shares of one: (B, S + L)."""
        share = self.config.lexical_share
        semantic, lexical = sums.split([self.config.semantic_dim, self.config.lexical_dim], dim=1)
        halves = [F.normalize(semantic, dim=-1) * (1 - share) ** 0.5, F.normalize(lexical, dim=-1) * share**0.5]
        return torch.cat(halves, dim=1)
