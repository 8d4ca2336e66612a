"""The recipe: everything that decides what a training run yields, in one YAML file.

Unknown keys are refused, so that a misspelt one never passes in silence. Paths are relative to the data folder and may
be globs. The defaults are ours, not the paper's, whose values are not known to us. This module imports no torch: a
recipe is checked before anything heavy is loaded.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness._util.names import did_you_mean
from harness.errors import UsageError
from harness_lamir.backbones.settings import BackboneSettings, FeatureBackbone
from harness_lamir.data.rows import Kind

__all__ = [
    "Evaluation",
    "ObjectiveEntry",
    "Optimizer",
    "Recipe",
    "Runtime",
    "Source",
    "Stream",
    "load_recipe",
    "parse_recipe",
    "shipped_recipes",
]

Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Source(_Strict):
    """Files of one origin, licence and format.

    Attributes:
        name: what the model card calls it.
        files: globs below the data folder; each must match.
        licence: the licence of the files, for the model card.
        format: how they are read (`data.readers`); by default what their names say.
        share: how often the source is drawn from, relative to the others of its stream.
        column: `text` streams on TSV files: the column to read (1 is the first).
        margin: WikiMatrix: pairs below this margin score are left out.
        language: the language of all its files; by default each file is named after its own.
        limit: read only the first so many rows of each file.
        sample: keep so many rows of the source, drawn by the recipe's seed; all by default.
    """

    name: str
    files: Annotated[list[str], Field(min_length=1)]
    licence: str
    format: str | None = None
    share: Share = 1.0
    column: Positive | None = None
    margin: float | None = None
    language: str | None = None
    limit: Positive | None = None
    sample: Positive | None = None


class Stream(_Strict):
    """Text of one kind that objectives draw batches from.

    Attributes:
        kind: what its rows are (`data.rows`).
        sources: the origins that are mixed.
        batch_size: rows drawn at every step, over all devices together.
        alpha: temperature of the sampling over languages: within a source, a language of n rows is drawn in
            proportion to n ** alpha. 1 keeps the proportions, 0 makes all languages equal.
        languages: read only these languages; all by default.
        without_languages: read none of these.
        same_language: all rows of a batch are of one language, so that telling languages apart is no help.
        hard_negatives: `ir` only: passages drawn for each query from its negatives.
    """

    kind: Kind
    sources: Annotated[list[Source], Field(min_length=1)]
    batch_size: Positive
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.5
    languages: list[str] | None = None
    without_languages: list[str] = []
    same_language: bool = False
    hard_negatives: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        """Refuse hard negatives where rows have none."""
        if self.hard_negatives and self.kind != "ir":
            raise ValueError(f"hard_negatives belongs to streams of kind ir, not {self.kind}")
        return self


class ObjectiveEntry(BaseModel):
    """An objective of a run. Further keys are the objective's own options (`harness_lamir.objectives`).

    Attributes:
        use: its name.
        weight: its factor in the total loss; 0 switches it off and reads none of its streams.
        stream: the stream it draws from, where it has one slot.
        streams: the stream of each slot, where it has several.
    """

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    use: str
    weight: Weight = 1.0
    stream: str | None = None
    streams: dict[str, str] = {}

    @property
    def options(self) -> dict[str, Any]:
        """The objective's own options, as written."""
        return dict(self.model_extra or {})


class Optimizer(_Strict):
    """AdamW: the rate rises for `warmup_steps`, then follows `schedule` to zero (constant: stays).

    Attributes:
        learning_rate: the highest rate.
        warmup_steps: steps of the rise.
        schedule: linear, cosine or constant.
        weight_decay: decoupled weight decay; never on biases, norms and one-dimensional weights.
        clip: largest norm of the gradient; none by default.
    """

    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2e-5
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    weight_decay: Weight = 0.0
    clip: Annotated[float, Field(gt=0)] | None = None


class Runtime(_Strict):
    """How a run computes; none of it changes what is learnt, but for rounding.

    Attributes:
        device: auto, cpu, cuda, …
        precision: fp32, or bf16 by autocast.
        chunk: gradient caching: texts that are encoded at a time, so that memory follows the chunk and not the batch;
            none encodes the batch at once.
        gradient_checkpointing: recompute activations in the backward pass.
        threads: CPU threads; part of the recipe because sums in another order round differently.
        log_every: steps between two lines of the log.
        save_every: steps between two training states that a killed run resumes from; none keeps none.
    """

    device: str = "auto"
    precision: Literal["fp32", "bf16"] = "fp32"
    chunk: Positive | None = None
    gradient_checkpointing: bool = False
    threads: Positive = 2
    log_every: Positive = 10
    save_every: Positive | None = None


class Evaluation(_Strict):
    """Zero-shot evaluation through the harness while training.

    Attributes:
        every: steps between two evaluations; there is one after the last step too.
        source: `pocket`, or a folder below the data folder.
        tasks: names and globs, as `harness run --tasks` takes them; all of the source's by default.
        languages: as `harness run --languages`.
        corpus_from: search another language's corpus, as `harness run --corpus-from`.
        limit: questions of each subset; none for all.
        patience: stop after so many evaluations without a better mean; none never stops early.
        keep_best: write the weights of the best evaluation rather than the last.
    """

    every: Positive
    source: str = "pocket"
    tasks: list[str] = []
    languages: list[str] = []
    corpus_from: str | None = None
    limit: Positive | None = None
    patience: Positive | None = None
    keep_best: bool = True


class Recipe(_Strict):
    """A whole training run.

    Attributes:
        name: what the model is called.
        summary: one sentence for the model card.
        licence: the licence of the trained weights.
        seed: decides every random draw.
        steps: optimiser steps.
        backbone: what is trained.
        objectives: losses that are added up.
        streams: text by name, for the objectives.
        optimizer: how the weights move.
        runtime: how it is computed.
        evaluation: measuring while training; none by default.
        heldout_pairs: translations kept out of training, to measure it by; either side by itself may be trained on.
        forbidden: folders of evaluation data below the data folder: no file in them may be trained on, nor any text
            equal or nearly equal to one of theirs.
        near_duplicates: share of a text's word 5-grams that, found in one evaluation text, makes it a near duplicate;
            none compares for equality alone.
        drop_forbidden_texts: leave such texts out, and say how many, rather than refuse to train.
        deduplicate: read equal rows of a stream once.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    summary: str = ""
    licence: str
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    steps: Positive
    backbone: BackboneSettings = FeatureBackbone(kind="features")
    objectives: Annotated[list[ObjectiveEntry], Field(min_length=1)]
    streams: Annotated[dict[str, Stream], Field(min_length=1)]
    optimizer: Optimizer = Optimizer()
    runtime: Runtime = Runtime()
    evaluation: Evaluation | None = None
    heldout_pairs: Annotated[int, Field(ge=0)] = 0
    forbidden: list[str] = []
    near_duplicates: Annotated[float, Field(gt=0, le=1)] | None = 0.8
    drop_forbidden_texts: bool = False
    deduplicate: bool = True

    @property
    def active(self) -> list[ObjectiveEntry]:
        """The objectives whose weight is positive."""
        return [entry for entry in self.objectives if entry.weight > 0]


def shipped_recipes() -> dict[str, Path]:
    """Return the recipes that come with the package, by name."""
    folder = Path(str(files("harness_lamir"))) / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        UsageError: the file is missing, is no YAML mapping, or breaks a rule; every broken rule is named with its key.
    """
    return parse_recipe(_read(path), str(path))


def parse_recipe(content: dict[str, Any], where: str) -> Recipe:
    """Check the content of a recipe; `where` names it in errors. Raises UsageError as `load_recipe` does."""
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        said = {"extra_forbidden": "there is no such key", "missing": "is missing"}
        rules = [
            f"{'.'.join(str(part) for part in rule['loc']) or 'recipe'}: {said.get(rule['type'], rule['msg'])}"
            for rule in error.errors()
        ]
        unknown = [str(r["loc"][0]) for r in error.errors() if r["type"] == "extra_forbidden" and len(r["loc"]) == 1]
        hint = did_you_mean(unknown[0], Recipe.model_fields) if unknown else None
        raise UsageError(f"recipe {where}: " + "; ".join(rules), hint=hint) from error


def _read(path: Path) -> dict[str, Any]:
    """Return the mapping of a YAML file."""
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
    return content
