"""Experiments as YAML files: a recipe, arms that change it, seeds, what is measured, and what is claimed.

Unknown keys are refused. Nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness._util import fingerprint
from harness._util.names import did_you_mean
from harness.errors import UsageError
from harness_lamir.recipe import Recipe, load_recipe
from harness_lamir.training.overrides import changed

__all__ = [
    "Arm",
    "Claim",
    "Experiment",
    "Measured",
    "Probes",
    "Run",
    "chosen",
    "load_experiment",
    "load_experiments",
    "runs",
]

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


class Group(_Strict):
    """Some of the languages of the probes: what the page calls them, and which they are."""

    title: str
    languages: Annotated[list[str], Field(min_length=1)]


class Probes(_Strict):
    """Measurements on translations that no arm trains on (`probes`).

    Attributes:
        files: path of a language's file of `english<TAB>other` below the data folder, with `{language}` in it.
        after: rows of each file that training may read (the `limit` of its source); probes read what follows.
        languages: the languages to measure, all in files of the same English sentences.
        groups: languages whose means are taken apart; all together by default. The probe `gap` of the group `new` is
            called `gap-new`.
        sentences: so many sentences at most, in each language.
        texts: non-parallel texts of each language that distances are measured from.
        temperature: τ of langCL.
    """

    files: str
    after: Annotated[int, Field(ge=0)]
    languages: Annotated[list[str], Field(min_length=2)]
    sentences: Annotated[int, Field(ge=20)] = 400
    groups: dict[Name, Group] = {}
    texts: Annotated[int, Field(gt=0)] = 20
    temperature: Annotated[float, Field(gt=0)] = 0.05

    @model_validator(mode="after")
    def _known(self) -> Self:
        """Refuse a group's language that is not measured, and a path without a place for the language."""
        if "{language}" not in self.files:
            raise ValueError(f"files: {self.files!r} has no {{language}} in it")
        for group in self.groups.values():
            for code in group.languages:
                if code not in self.languages:
                    raise ValueError(f"groups: {code!r} is none of the languages")
        return self

    @property
    def parts(self) -> dict[str, tuple[str, list[str]]]:
        """Suffix of a probe's name to (suffix of its title, languages)."""
        if not self.groups:
            return {"": ("", self.languages)}
        return {f"-{name}": (f", {group.title}", group.languages) for name, group in self.groups.items()}


class Claim(_Strict):
    """What is expected to be seen: one arm better than another.

    Attributes:
        says: the claim in words.
        better: the arm that is expected to be better.
        worse: the arm that it is compared with.
        measures: measurements and probes by name; all measurements by default.
    """

    says: str
    better: str
    worse: str
    measures: list[str] = []


class Curves(_Strict):
    """A plot over a quantity.

    Attributes:
        axis: what the quantity is called.
        lines: title of a line to its points: quantity to arm.
        baseline: an arm that is drawn as a level.
    """

    axis: str
    lines: dict[str, dict[Annotated[float, Field(gt=0)], Name]]
    baseline: Name | None = None


class Measure(NamedTuple):
    """Something measured, whether by retrieval or by a probe."""

    title: str
    higher_is_better: bool
    parallel: bool


class Experiment(_Strict):
    """An experiment.

    Attributes:
        number: its place on the page.
        name: the file's name without suffix.
        title: its heading.
        about: what was done, for the page, in Markdown.
        recipe: the recipe that all arms start from, relative to the file.
        set: changes to the recipe that all arms share.
        seeds: the seeds of each arm.
        start: the arm on whose text the vocabulary is learnt; all arms of a seed start from its vocabulary and initial
            weights. None: each arm starts as its recipe says.
        arms: the arms by name, in the page's order.
        measured: retrieval.
        probes: measurements on translations; none by default.
        claims: what is tested.
        ordering: `paper` where the claims together are the paper's ordering of its arms.
        curves: a plot over a quantity, instead of one point for each arm.
        limits: what the experiment does not show, for the page.
    """

    number: int
    name: Name
    title: str
    about: str = ""
    recipe: str
    set: dict[str, Any] = {}
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    start: str | None = None
    arms: Annotated[dict[Name, Arm], Field(min_length=1)]
    measured: Annotated[list[Measured], Field(min_length=1)]
    probes: Probes | None = None
    claims: list[Claim] = []
    ordering: Literal["paper"] | None = None
    curves: Curves | None = None
    limits: list[str] = []

    @model_validator(mode="after")
    def _known(self) -> Self:
        """Refuse names of arms and measurements that are not there, and names that occur twice."""
        named = [arm for claim in self.claims for arm in (claim.better, claim.worse)]
        if self.curves is not None:
            named += [arm for line in self.curves.lines.values() for arm in line.values()]
            named += [self.curves.baseline] if self.curves.baseline else []
        for arm in [*named, *([self.start] if self.start else [])]:
            if arm not in self.arms:
                raise ValueError(f"no arm is called {arm!r}. {did_you_mean(arm, self.arms) or ''}".strip())
        names = [one.name for one in self.measured]
        known = list(self.measures)
        if len(known) < len(names) + len(self._probe_measures()):
            raise ValueError(f"names of measurements must differ, from probes' too: {', '.join(names)}")
        for name in (name for claim in self.claims for name in claim.measures):
            if name not in known:
                raise ValueError(f"nothing measured is called {name!r}. {did_you_mean(name, known) or ''}".strip())
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed occurs twice")
        return self

    @property
    def measures(self) -> dict[str, Measure]:
        """Everything that is measured, by name: retrieval first."""
        return {one.name: Measure(one.title, True, one.parallel) for one in self.measured} | self._probe_measures()

    def _probe_measures(self) -> dict[str, Measure]:
        parts = self.probes.parts if self.probes else {}
        return {
            name + suffix: Measure(title + words, higher, True)
            for suffix, (words, _) in parts.items()
            for name, (title, higher) in PROBES.items()
        }


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
    changes = [*experiment.set.items(), *experiment.arms[arm].set.items(), ("seed", seed)]
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
