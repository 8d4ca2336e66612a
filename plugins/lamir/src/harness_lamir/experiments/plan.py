"""Experiments as YAML files: a recipe, arms that change it, seeds, what is measured, and what is claimed.

Unknown keys are refused. Nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness._util import fingerprint
from harness._util.names import did_you_mean
from harness.errors import UsageError
from harness_lamir.recipe import Recipe, load_recipe
from harness_lamir.training.overrides import changed

__all__ = ["Arm", "Claim", "Experiment", "Measured", "Probes", "Run", "chosen", "load_experiment", "load_experiments", "runs"]

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]

#: What `probes` yields: name to (title, whether more is better).
PROBES: Mapping[str, tuple[str, bool]] = {
    "translation": ("Translations found", True),
    "gap": ("Equidistance gap", False),
    "relative-gap": ("Relative equidistance gap", False),
    "language-loss": ("langCL − 2 ln 2", False),
    "language-id": ("Language-ID accuracy", False),
}


class _Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Arm(_Strict):
    """One way to train.

    Attributes:
        title: what the page calls it.
        set: changes to the recipe, `key.path: value` (`training.overrides`).
        untrained: measure the weights that training would start from.
    """

    title: str
    set: dict[str, Any] = {}
    untrained: bool = False


class Measured(_Strict):
    """Retrieval on a folder in BEIR layout.

    Attributes:
        name: what it is called in result files.
        title: what the page calls it.
        source: the folder, below the data folder.
        corpus_from: search another subset's corpus, as `harness run --corpus-from`.
        tasks: as `harness run --tasks`; all by default.
        languages: as `harness run --languages`; all by default.
        parallel: the queries of all subsets are translations of one another, with equal ids. Tests then treat a
            question in all its languages as one observation.
    """

    name: Name
    title: str
    source: str
    corpus_from: str | None = None
    tasks: list[str] = []
    languages: list[str] = []
    parallel: bool = False


class Probes(_Strict):
    """Measurements on translations that no arm trains on (`probes`).

    Attributes:
        files: path of a language's file of `english<TAB>other` below the data folder, with `{language}` in it.
        after: rows of each file that training may read (the `limit` of its source); probes read what follows.
        languages: the languages to measure, all in files of the same English sentences.
        beside: languages of further files of the same kind that training may read; all that there are by default.
        sentences: so many sentences at most, in each language.
        texts: non-parallel texts of each language that distances are measured from.
        temperature: τ of langCL.
    """

    files: str
    after: Annotated[int, Field(ge=0)]
    languages: Annotated[list[str], Field(min_length=2)]
    sentences: Annotated[int, Field(ge=20)] = 400
    texts: Annotated[int, Field(gt=0)] = 20
    temperature: Annotated[float, Field(gt=0)] = 0.05


class Claim(_Strict):
    """What is expected to be seen: one arm better than another.

    Attributes:
        says: the claim in words.
        better: the arm that is expected to be better.
        worse: the arm that it is compared with.
        on: measurements and probes by name; all measurements by default.
    """

    says: str
    better: str
    worse: str
    on: list[str] = []


class Experiment(_Strict):
    """An experiment.

    Attributes:
        number: its place on the page.
        name: the file's name without suffix.
        title: its heading.
        about: what was done, for the page, in Markdown.
        recipe: the recipe that all arms start from, relative to the file.
        seeds: the seeds of each arm.
        start: the arm on whose text the vocabulary is learnt; all arms of a seed start from its vocabulary and initial
            weights. None: each arm starts as its recipe says.
        arms: the arms by name, in the page's order.
        measured: retrieval.
        probes: measurements on translations; none by default.
        claims: what is tested.
        limits: what the experiment does not show, for the page.
    """

    number: int
    name: Name
    title: str
    about: str = ""
    recipe: str
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    start: str | None = None
    arms: Annotated[dict[Name, Arm], Field(min_length=1)]
    measured: Annotated[list[Measured], Field(min_length=1)]
    probes: Probes | None = None
    claims: list[Claim] = []
    limits: list[str] = []

    @model_validator(mode="after")
    def _known(self) -> Self:
        """Refuse names of arms and measurements that are not there, and names that occur twice."""
        named = [arm for claim in self.claims for arm in (claim.better, claim.worse)]
        for arm in [*named, *([self.start] if self.start else [])]:
            if arm not in self.arms:
                raise ValueError(f"no arm is called {arm!r}. {did_you_mean(arm, self.arms) or ''}".strip())
        names = [one.name for one in self.measured]
        if len(set(names)) < len(names) or set(names) & set(PROBES):
            raise ValueError(f"names of measurements must differ, from probes' too: {', '.join(names)}")
        known = [*names, *(PROBES if self.probes else ())]
        for name in (name for claim in self.claims for name in claim.on):
            if name not in known:
                raise ValueError(f"nothing measured is called {name!r}. {did_you_mean(name, known) or ''}".strip())
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed occurs twice")
        return self


@dataclass(frozen=True, slots=True)
class Run:
    """One arm with one seed.

    Attributes:
        experiment: what it belongs to.
        arm: its name.
        seed: its seed.
        recipe: what is trained.
        start: the recipe whose text gives vocabulary and initial weights; none where the recipe itself says.
    """

    experiment: Experiment
    arm: str
    seed: int
    recipe: Recipe
    start: Recipe | None

    @property
    def untrained(self) -> bool:
        """Whether the initial weights are measured."""
        return self.experiment.arms[self.arm].untrained

    @property
    def label(self) -> str:
        """`experiment/arm-seed`, which is also where its result is kept."""
        return f"{self.experiment.name}/{self.arm}-{self.seed}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 (64 hex digits) of everything in the plan that the result depends on, titles and claims aside."""
        experiment = self.experiment
        return fingerprint.of_json(
            {
                "recipe": _said(self.recipe),
                "start": None if self.start is None else _said(self.start),
                "untrained": self.untrained,
                "measured": [_said(one, "title") for one in experiment.measured],
                "probes": None if experiment.probes is None else _said(experiment.probes),
            }
        )


def load_experiment(path: Path) -> Experiment:
    """Read one experiment.

    Raises:
        UsageError: the file is missing, is no YAML mapping, or breaks a rule; every broken rule is named with its key.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"experiment {path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"experiment {path}: not YAML ({error})") from error
    if not isinstance(content, dict):
        raise UsageError(f"experiment {path}: expected a mapping of settings")
    try:
        return Experiment.model_validate({"name": path.stem, **content})
    except ValidationError as error:
        rules = [f"{'.'.join(map(str, rule['loc'])) or 'experiment'}: {rule['msg']}" for rule in error.errors()]
        raise UsageError(f"experiment {path}: " + "; ".join(rules)) from error


def load_experiments(folder: Path) -> list[Experiment]:
    """Read all experiments of a folder, in the page's order. Raises UsageError as `load_experiment`, or for none."""
    found = [load_experiment(path) for path in sorted(folder.glob("*.yaml"))]
    if not found:
        raise UsageError(f"{folder}: has no experiments (*.yaml)", hint="Name their folder with --plans.")
    return sorted(found, key=lambda one: one.number)


def runs(experiment: Experiment, folder: Path) -> list[Run]:
    """Return every arm with every seed: seed after seed, so that what is there early is comparable.

    Args:
        experiment: the experiment.
        folder: where its file lies: the recipe's path starts there.

    Raises:
        UsageError: the recipe is missing or wrong, or a change of an arm does not fit it.
    """
    base = load_recipe(folder / experiment.recipe)
    return [
        Run(experiment, arm, seed, _recipe(experiment, base, arm, seed), _start(experiment, base, seed))
        for seed in experiment.seeds
        for arm in experiment.arms
    ]


def _recipe(experiment: Experiment, base: Recipe, arm: str, seed: int) -> Recipe:
    changes = [*experiment.arms[arm].set.items(), ("seed", seed)]
    return changed(base, changes, f"arm {arm!r} of experiment {experiment.name}")


def _start(experiment: Experiment, base: Recipe, seed: int) -> Recipe | None:
    return None if experiment.start is None else _recipe(experiment, base, experiment.start, seed)


def _said(model: BaseModel, *without: str) -> dict[str, Any]:
    """What a model says beyond its defaults: a setting that is added later changes no fingerprint."""
    return model.model_dump(mode="json", exclude_defaults=True, exclude=set(without))


def chosen(found: Sequence[Experiment], names: Sequence[str]) -> list[Experiment]:
    """Return the experiments of these names, all for none. Raises UsageError for a name that is not there."""
    by_name = {one.name: one for one in found}
    for name in names:
        if name not in by_name:
            raise UsageError(f"no experiment is called {name!r}", did_you_mean(name, by_name))
    return [by_name[name] for name in names] if names else list(found)
