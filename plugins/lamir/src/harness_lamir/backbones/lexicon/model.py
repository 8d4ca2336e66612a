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

from harness_lamir.backbones.hashed import owners_of, scatter

__all__ = ["LexiconConfig", "LexiconModel"]


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

    def forward(
        self,
        stems: Tensor,
        values: Tensor,
        stem_starts: Tensor,
        ngrams: Tensor,
        ngram_starts: Tensor,
        words: Tensor,
        counts: Tensor,
        word_starts: Tensor,
    ) -> Tensor:
        """Encode what `LexiconBackbone.tokenize` laid out: the features of words, and the texts as bags of words.

        Args:
            stems: (N,) int64 numbers of stems: those of W distinct words, laid end to end.
            values: (N,) float32, how much of each.
            stem_starts: (W,) int64, where each word's stems begin.
            ngrams: (M,) int64 buckets, laid out likewise.
            ngram_starts: (W,) int64, where each word's n-grams begin.
            words: (P,) int64, which of the W words stand in the texts, text after text, each once in a text.
            counts: (P,) float32, how much each counts there.
            word_starts: (B,) int64, where each text begins.

        Returns:
            (B, D) unit vectors, float32 where the weights are of half precision and else in their dtype; zeros for a
            text without words.
        """
        return self.join(self.sums(stems, values, stem_starts, ngrams, ngram_starts, words, counts, word_starts))

    def sums(
        self,
        stems: Tensor,
        values: Tensor,
        stem_starts: Tensor,
        ngrams: Tensor,
        ngram_starts: Tensor,
        words: Tensor,
        counts: Tensor,
        word_starts: Tensor,
    ) -> Tensor:
        """Return the sums (B, D) of texts before they are brought to unit length; see `forward` for the arguments.

        A text's sum is that of its words, each times its count.
        """
        dtype = torch.promote_types(self.stem_weight.dtype, torch.float32)  # halves would lose small addends
        values, counts = values.to(dtype), counts.to(dtype)
        owners = owners_of(word_starts, len(words))  # (P,)
        known = stems < self.config.semantic_stems
        rows = torch.where(known, stems, 0)
        meanings = F.embedding_bag(
            rows,
            self.semantic.to(dtype),
            stem_starts,
            mode="sum",
            per_sample_weights=values * self.semantic_weight.to(dtype)[rows] * known,
        )  # (W, S)
        semantic = F.embedding_bag(words, meanings, word_starts, mode="sum", per_sample_weights=counts)  # (B, S)
        bags = []
        for ids, weights, starts, size in (
            (stems, self.stem_weight.to(dtype)[stems] * values, stem_starts, self.config.stem_dim),
            (ngrams, self.ngram_weight.to(dtype)[ngrams], ngram_starts, self.config.ngram_dim),
        ):
            pairs, places = _features_of(words, starts, len(ids))
            found = weights.index_select(0, places) * counts[pairs]
            bags.append(scatter(ids[places], found, owners[pairs], len(word_starts), size))
        return torch.cat([semantic, *bags], dim=1)

    def join(self, sums: Tensor) -> Tensor:
        """Bring the parts of (B, D) sums to unit length and to their shares: (B, D)."""
        config = self.config
        parts = sums.split([config.semantic_dim, config.stem_dim, config.ngram_dim], dim=1)
        scaled = [F.normalize(part, dim=-1) * share**0.5 for part, share in zip(parts, config.shares, strict=True)]
        return F.normalize(torch.cat(scaled, dim=1), dim=-1)  # a text may lack a part


def _features_of(words: Tensor, starts: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Look up the features of every word of the texts, which words share.

    A text has few features beside the dimensions of its vector, and a word fewer still: it is cheaper to add a word's
    features to each of its texts than to write out a row for the word.

    Args:
        words: (P,) int64, the words of all texts.
        starts: (W,) int64, where the features of each distinct word begin.
        size: features of all distinct words.

    Returns:
        (K,) int64 places in `words`, and (K,) int64 places among the features.
    """
    ends = torch.cat([starts[1:], starts.new_tensor([size])])
    lengths = (ends - starts)[words]  # (P,)
    pairs = torch.repeat_interleave(torch.arange(len(words), device=words.device), lengths)
    shift = starts[words] - (lengths.cumsum(0) - lengths)  # (P,)
    return pairs, torch.arange(len(pairs), device=words.device) + shift[pairs]
