"""The model: three weighted bags side by side, of meanings, of English stems and of spellings.

    words → stems (see `table`) ┬→ rows of E, each times a weight                → sum → unit length ┐
                                ├→ fixed signs in fixed places, times a weight   → sum → unit length ├→ concatenated
    words → n-grams of letters ─┴→ fixed signs in fixed places, times a weight   → sum → unit length ┘

* The **semantic** part is learned: E brings "river" near "stream". It needs rows for English stems only, because every
  other word is a mixture of those; rare stems have none.
* The **stem** part tells stems apart, of which there are more than E has dimensions. It is what a bilingual dictionary
  and an inverted index would do together: "Fluss" and "city" meet nothing, "Fluss" and "river" meet.
* The **n-gram** part reads the romanised spelling, and brings names and loans together that no dictionary lists.

The last two cost no embedding: a feature owns one place and one sign, derived from its number (the hashing trick of
Weinberger et al., ICML 2009), and a weight that starts at its inverse document frequency and is learned. A dot product
of two texts is the sum of the parts' cosines, each times its share. Two texts that have nothing in common still meet
by chance in hashed places, by about one over the square root of their number.

A word that a text repeats c times counts c ** dampening times. There is no word order and no attention.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

__all__ = ["LexiconConfig", "LexiconModel"]

#: Odd multipliers that scatter consecutive ids over places and signs (Knuth's multiplicative hashing).
_PLACE, _SIGN = 2_654_435_761, 2_246_822_519


class LexiconConfig(PretrainedConfig):
    """The shape of a model.

    Args:
        stems: E, the English stems; the frequent ones have the low numbers.
        semantic_stems: how many of them have a learned row.
        ngram_buckets: G, the numbers that n-grams share.
        semantic_dim: S, learned dimensions.
        stem_dim: places of the stem part.
        ngram_dim: places of the n-gram part.
        shares: what semantic, stem and n-gram part contribute to a dot product; they add up to 1.
        ngram_min: shortest n-gram.
        ngram_max: longest n-gram.
        dampening: exponent of a word's count in a text.
        max_words: words of a text that are read.
        **kwargs: whatever transformers keeps in its configurations.
    """

    model_type = "lamir-lexicon"

    def __init__(
        self,
        stems: int = 16,
        semantic_stems: int = 16,
        ngram_buckets: int = 1024,
        semantic_dim: int = 128,
        stem_dim: int = 960,
        ngram_dim: int = 960,
        shares: tuple[float, float, float] = (0.2, 0.4, 0.4),
        ngram_min: int = 3,
        ngram_max: int = 4,
        dampening: float = 0.6,
        max_words: int = 4096,
        **kwargs: Any,
    ) -> None:
        """Keep the arguments; see the class."""
        self.stems, self.semantic_stems, self.ngram_buckets = stems, semantic_stems, ngram_buckets
        self.semantic_dim, self.stem_dim, self.ngram_dim = semantic_dim, stem_dim, ngram_dim
        self.shares = list(shares)
        self.ngram_min, self.ngram_max = ngram_min, ngram_max
        self.dampening, self.max_words = dampening, max_words
        super().__init__(**kwargs)

    @property
    def dim(self) -> int:
        """Dimensions of a text's vector."""
        return self.semantic_dim + self.stem_dim + self.ngram_dim


class LexiconModel(PreTrainedModel):
    """Bags of stems and n-grams to unit vectors."""

    config_class = LexiconConfig
    base_model_prefix = "lexicon"

    def __init__(self, config: LexiconConfig) -> None:
        """Make a model with random rows and equal weights."""
        super().__init__(config)
        self.semantic = nn.Parameter(torch.empty(config.semantic_stems, config.semantic_dim))  # (E', S)
        self.semantic_weight = nn.Parameter(torch.ones(config.semantic_stems))  # (E',)
        self.stem_weight = nn.Parameter(torch.ones(config.stems))  # (E,)
        self.ngram_weight = nn.Parameter(torch.ones(config.ngram_buckets))  # (G,)
        nn.init.normal_(self.semantic, std=config.semantic_dim**-0.5)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Leave the weights as they are: `__init__` has set them."""

    def sums(self, stems: Tensor, values: Tensor, stem_starts: Tensor, ngrams: Tensor, ngram_starts: Tensor) -> Tensor:
        """Return the sums of words: each a row of stems with values, and a row of n-grams, laid end to end.

        Args:
            stems: (N,) int64 numbers of stems.
            values: (N,) float32, how much of each.
            stem_starts: (W,) int64, where each word's stems begin.
            ngrams: (M,) int64 buckets.
            ngram_starts: (W,) int64, where each word's n-grams begin.

        Returns:
            (W, D). Sums of sums are sums: a text's is that of its words.
        """
        known = stems < self.config.semantic_stems
        rows = torch.where(known, stems, 0)
        semantic = F.embedding_bag(
            rows,
            self.semantic,
            stem_starts,
            mode="sum",
            per_sample_weights=values * self.semantic_weight[rows] * known,
        )  # (W, S)
        stem = _scatter(stems, self.stem_weight[stems] * values, stem_starts, self.config.stem_dim)
        ngram = _scatter(ngrams, self.ngram_weight[ngrams], ngram_starts, self.config.ngram_dim)
        return torch.cat([semantic, stem, ngram], dim=1)

    def join(self, sums: Tensor) -> Tensor:
        """Bring the parts of (B, D) sums to unit length and to their shares: (B, D)."""
        config = self.config
        parts = sums.split([config.semantic_dim, config.stem_dim, config.ngram_dim], dim=1)
        scaled = [F.normalize(part, dim=-1) * share**0.5 for part, share in zip(parts, config.shares, strict=True)]
        return F.normalize(torch.cat(scaled, dim=1), dim=-1)  # a text may lack a part


def _scatter(ids: Tensor, values: Tensor, starts: Tensor, size: int) -> Tensor:
    """Add every value, with its id's sign, at its id's place: (N,), (N,) and (W,) starts to (W, size)."""
    ends = torch.cat([starts[1:], starts.new_tensor([len(ids)])])
    rows = torch.repeat_interleave(torch.arange(len(starts), device=ids.device), ends - starts)  # (N,)
    place = ((ids * _PLACE) >> 8) % size  # (N,)
    sign = 1 - 2 * (((ids * _SIGN) >> 16) & 1)  # (N,)
    flat = values.new_zeros(len(starts) * size)
    return flat.index_add(0, rows * size + place, values * sign).view(-1, size)
