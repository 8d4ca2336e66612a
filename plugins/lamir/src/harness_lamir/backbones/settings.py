"""The settings of each kind of backbone: the part of a recipe that says what is trained. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["BackboneSettings", "FeatureBackbone", "ScratchBackbone", "TokenBackbone", "TransformerBackbone"]

Positive = Annotated[int, Field(gt=0)]
Natural = Annotated[int, Field(ge=0)]


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

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        """Refuse an empty range of n-gram lengths."""
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
    FeatureBackbone | TokenBackbone | TransformerBackbone | ScratchBackbone, Field(discriminator="kind")
]
