"""The recipe: everything that decides what a training run yields, in one YAML file.

Unknown keys are refused, so that a misspelt one never passes in silence. Paths are relative to
the data folder and may be globs. The defaults are ours, not the paper's, whose values are not
known to us.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.errors import UsageError
from harness_lamir.losses import Pool

__all__ = ["Loss", "Model", "Optimizer", "Recipe", "Source", "Stream", "Streams", "load_recipe"]

Positive = Annotated[int, Field(gt=0)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """Files of one origin and licence.

    Attributes:
        name: what the model card calls it.
        files: globs below the data folder; each must match.
        licence: the licence of the files, for the model card.
        share: how often the source is drawn from, relative to the others of its stream.
        column: non-parallel streams only: the TSV column to read (1 is the first); none for plain
            text files.
    """

    name: str
    files: Annotated[list[str], Field(min_length=1)]
    licence: str
    share: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    column: Positive | None = None


class Stream(_Strict):
    """Where one loss gets its batches from.

    Attributes:
        sources: the origins that are mixed.
        batch_size: rows drawn at every step.
        alpha: temperature of the sampling over languages: within a source, a language of n rows is
            drawn in proportion to n ** alpha. 1 keeps the proportions, 0 makes all languages equal.
        languages: read only the files named after these; all by default. Globs then need not be
            spelt out, and the embeddings need not be shared with languages nobody asks for.
        hard_negatives: IR only: passages drawn for each query from its ``negatives``.
    """

    sources: Annotated[list[Source], Field(min_length=1)]
    batch_size: Positive
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.5
    languages: list[str] | None = None
    hard_negatives: Annotated[int, Field(ge=0)] = 0


class Streams(_Strict):
    """The streams of the three losses; one may be left out if its weight is zero."""

    ir: Stream | None = None
    parallel: Stream | None = None
    nonparallel: Stream | None = None


class Model(_Strict):
    """The shape of the encoder.

    Attributes:
        semantic_dim: learned dimensions.
        lexical_dim: fixed dimensions, which cost nothing on disk; 0 for none.
        lexical_share: what the fixed dimensions contribute to a dot product.
        tokens: subword tokens in the vocabulary, at most.
        ngram_buckets: ids that the hashed character n-grams share.
        ngram_min: shortest n-gram.
        ngram_max: longest n-gram.
        token_weight: factor on the first weights of tokens: a word has one or two of them beside
            some twenty n-grams, which would otherwise drown them.
        vocabulary_texts: texts drawn from the streams to learn the vocabulary from.
    """

    semantic_dim: Positive = 256
    lexical_dim: Annotated[int, Field(ge=0)] = 0
    lexical_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    tokens: Annotated[int, Field(ge=16)] = 12_000
    ngram_buckets: Annotated[int, Field(ge=0)] = 16_000
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


class Loss(_Strict):
    """Temperature and weights of the three losses; see `harness_lamir.losses`."""

    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.05
    ir_weight: Weight = 1.0
    semantic_weight: Weight = 1.0
    language_weight: Weight = 0.1
    semantic_pool: Pool = "other-side"

    @model_validator(mode="after")
    def _not_collapsing(self) -> Self:
        """Refuse weights that a constant encoder would satisfy."""
        if self.ir_weight == 0 and self.semantic_weight == 0:
            raise ValueError(
                "ir_weight and semantic_weight are both 0: the language loss alone is least when "
                "every text gets the same vector; give one of the others a positive weight"
            )
        return self


class Optimizer(_Strict):
    """Adam: the rate rises for ``warmup_steps``, then falls on a line towards zero."""

    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3e-3
    warmup_steps: Annotated[int, Field(ge=0)] = 50


class Recipe(_Strict):
    """A whole training run.

    Attributes:
        name: what the model is called.
        summary: one sentence for the model card.
        licence: the licence of the trained weights.
        seed: decides every random draw.
        steps: optimiser steps.
        threads: CPU threads; part of the recipe because sums in another order round differently.
        heldout_pairs: translations kept out of training, to measure it by.
        forbidden: folders of evaluation data below the data folder: no file in them may be
            trained on, nor any text equal to one of theirs.
        drop_forbidden_texts: leave such texts out, and say how many, rather than refuse to train.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    summary: str = ""
    licence: str
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    steps: Positive
    threads: Positive = 2
    heldout_pairs: Annotated[int, Field(ge=0)] = 0
    model: Model = Model()
    loss: Loss = Loss()
    optimizer: Optimizer = Optimizer()
    streams: Streams
    forbidden: list[str] = []
    drop_forbidden_texts: bool = False

    @model_validator(mode="after")
    def _fed(self) -> Self:
        """Refuse a positive weight without the text its loss needs."""
        streams, loss = self.streams, self.loss
        needs = [
            ("ir_weight", loss.ir_weight, ["ir"]),
            ("semantic_weight", loss.semantic_weight, ["parallel"]),
            ("language_weight", loss.language_weight, ["parallel", "nonparallel"]),
        ]
        for name, weight, wanted in needs:
            for stream in wanted:
                if weight > 0 and getattr(streams, stream) is None:
                    raise ValueError(f"{name} is {weight}, but there is no stream `{stream}`")
        if self.heldout_pairs and streams.parallel is None:
            raise ValueError("heldout_pairs needs the stream `parallel`")
        return self


def shipped_recipes() -> dict[str, Path]:
    """Return the recipes that come with the package, by name."""
    folder = Path(str(files("harness_lamir"))) / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        UsageError: the file is missing, is no YAML mapping, or breaks a rule; every broken rule is
            named with its key.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(shipped_recipes()) or "none"
        raise UsageError(
            f"recipe {path}: cannot be read ({error.strerror})",
            hint=f"Give the path of a YAML file, or the name of a shipped recipe: {known}.",
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {path}: not YAML ({error})") from error
    if not isinstance(content, dict):
        raise UsageError(f"recipe {path}: expected a mapping of settings")
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        rules = [f"{'.'.join(str(part) for part in rule['loc']) or 'recipe'}: {rule['msg']}" for rule in error.errors()]
        raise UsageError(f"recipe {path}: " + "; ".join(rules)) from error
