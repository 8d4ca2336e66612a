"""The settings of each kind of backbone: the part of a recipe that says what is trained. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "BackboneSettings",
    "FeatureBackbone",
    "LexiconBackbone",
    "ScratchBackbone",
    "TokenBackbone",
    "TransformerBackbone",
]

Positive = Annotated[int, Field(gt=0)]
Natural = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class FeatureBackbone(_Strict):
    """A static bag of features: subword tokens and hashed n-grams of the romanised spelling.

    Attributes:
        semantic_dim: learned dimensions.
        lexical_dim: fixed dimensions, which cost nothing on disk; 0 for none.
        lexical_share: what the fixed dimensions contribute to a dot product.
        tokens: subword tokens in the vocabulary, at most.
        ngram_buckets: ids that the hashed character n-grams share.
        ngram_min: shortest n-gram.
        ngram_max: longest n-gram.
        token_weight: factor on the first weights of tokens: a word has one or two of them beside some twenty n-grams,
            which would otherwise drown them.
        vocabulary_texts: texts drawn from the streams to learn the vocabulary from.
        init: a folder that an earlier run of this kind wrote, to go on from: vocabulary, shape and weights are its
            own, and the settings above are not read; none starts anew.
    """

    kind: Literal["features"]
    semantic_dim: Positive = 256
    lexical_dim: Natural = 0
    lexical_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    tokens: Annotated[int, Field(ge=16)] = 12_000
    ngram_buckets: Natural = 16_000
    ngram_min: Positive = 3
    ngram_max: Positive = 5
    token_weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    vocabulary_texts: Positive = 300_000
    init: str | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        """Refuse an empty range of n-gram lengths."""
        if self.ngram_min > self.ngram_max:
            raise ValueError(f"ngram_min {self.ngram_min} exceeds ngram_max {self.ngram_max}")
        return self


class LexiconBackbone(_Strict):
    """A lexicon made of the recipe's parallel text: every word is a mixture of English stems (IBM Model 1).

    Attributes:
        stems: English stems that are kept, the frequent ones first.
        semantic_stems: how many of them have a learned row.
        semantic_dim: learned dimensions.
        stem_dim: hashed dimensions of stems.
        ngram_dim: hashed dimensions of romanised character n-grams.
        shares: what the three contribute to a dot product, in that order; they add up to 1.
        ngram_buckets: numbers that n-grams share.
        ngram_min: shortest n-gram.
        ngram_max: longest n-gram.
        dampening: exponent of a word's count in a text.
        idf_exponent: the weights of stems start at their inverse document frequencies to this power.
        max_members: stems in a mixture, at most.
        least: the smallest weight in a mixture.
        teacher: a folder or hub id (`owner/name@commit`) of an English encoder whose vectors of the stems start the
            semantic rows; none starts at random.
        aliases: language codes to read as others, where sources spell one language in two ways: {tur: tr}.
        vocabulary_texts: texts drawn from the streams to count n-grams in.
    """

    kind: Literal["lexicon"]
    stems: Annotated[int, Field(ge=16, le=65_536)] = 60_000
    semantic_stems: Positive = 20_000
    semantic_dim: Positive = 128
    stem_dim: Positive = 960
    ngram_dim: Positive = 960
    shares: tuple[Share, Share, Share] = (0.2, 0.4, 0.4)
    ngram_buckets: Positive = 131_072
    ngram_min: Positive = 3
    ngram_max: Positive = 4
    dampening: Annotated[float, Field(gt=0, le=1)] = 0.6
    idf_exponent: Annotated[float, Field(ge=0, le=3)] = 0.7
    max_members: Annotated[int, Field(gt=0, le=255)] = 4
    least: Annotated[float, Field(gt=0, lt=1)] = 0.05
    teacher: str | None = None
    aliases: dict[str, str] = {}
    vocabulary_texts: Positive = 300_000

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Refuse shares that do not add up, and an empty range of n-gram lengths."""
        if abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError(f"shares {list(self.shares)} add up to {sum(self.shares):g}, not to 1")
        if self.ngram_min > self.ngram_max:
            raise ValueError(f"ngram_min {self.ngram_min} exceeds ngram_max {self.ngram_max}")
        return self


class TokenBackbone(_Strict):
    """Static token embeddings: the weighted mean of a table's rows, as sentence-transformers' StaticEmbedding has it.

    Attributes:
        dim: dimensions.
        tokens: size of the vocabulary that is trained on the recipe's text, where `tokenizer` names none.
        tokenizer: a folder or hub id (`owner/name@commit`) to take the tokenizer of; none trains one.
        init: a folder or hub id (`owner/name@commit`) of a transformer whose input embeddings start the table
            (projected to `dim` by PCA); none starts at random.
        vocabulary_texts: texts drawn from the streams to learn the vocabulary from.
    """

    kind: Literal["tokens"]
    dim: Positive = 256
    tokens: Annotated[int, Field(ge=16)] = 30_000
    tokenizer: str | None = None
    init: str | None = None
    vocabulary_texts: Positive = 300_000


class TransformerBackbone(_Strict):
    """Any encoder of Hugging Face transformers: XLM-R, mBERT, mContriever, LaBSE, XMOD, MiniLM, …

    Attributes:
        model: a local folder or a hub id.
        revision: the commit of a hub id; a branch is refused, because it moves.
        pooling: mean over tokens, or the first token.
        max_tokens: texts are cut there, special tokens included.
        prompts: text put before every query or passage.
        dropout: replaces the model's dropout probabilities; none keeps them.
        frozen_layers: so many of the lowest layers, and the embeddings, are not trained.
        adapters: XMOD and its like: the adapter of a language, by our language codes; `default` for the rest.
    """

    kind: Literal["transformer"]
    model: str
    revision: str | None = None
    pooling: Literal["mean", "cls"] = "mean"
    max_tokens: Positive = 256
    prompts: dict[Literal["query", "passage"], str] = {}
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    frozen_layers: Natural = 0
    adapters: dict[str, str] = {}


class ScratchBackbone(_Strict):
    """A small transformer from scratch, with a tokenizer trained on the recipe's own text.

    Attributes:
        layers: transformer layers.
        hidden: dimensions, divisible by `heads`.
        heads: attention heads.
        tokens: size of the vocabulary.
        max_tokens: texts are cut there.
        pooling: mean over tokens, or the first token.
        dropout: dropout probability.
        vocabulary_texts: texts drawn from the streams to learn the vocabulary from.
    """

    kind: Literal["scratch"]
    layers: Positive = 2
    hidden: Positive = 128
    heads: Positive = 4
    tokens: Annotated[int, Field(ge=16)] = 16_000
    max_tokens: Positive = 128
    pooling: Literal["mean", "cls"] = "mean"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    vocabulary_texts: Positive = 100_000

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        """Refuse heads that do not divide the dimensions."""
        if self.hidden % self.heads:
            raise ValueError(f"hidden {self.hidden} is not divisible by heads {self.heads}")
        return self


BackboneSettings = Annotated[
    FeatureBackbone | LexiconBackbone | TokenBackbone | TransformerBackbone | ScratchBackbone,
    Field(discriminator="kind"),
]
