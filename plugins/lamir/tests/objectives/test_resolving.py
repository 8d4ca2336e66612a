"""From a recipe's objectives to what trains: everything that can be wrong is named before a row is read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from harness_lamir.objectives.base import Objective
from harness_lamir.objectives.resolving import build, resolve
from harness_lamir.plugin import harness_objectives
from harness_lamir.recipe import Recipe

from harness.errors import UsageError
from harness.plugins import ObjectiveSpec
from harness.plugins.manager import Plugin, Registry

Make = Callable[..., Recipe]

IR = {"use": "ir", "stream": "questions"}
LANGUAGE = {"use": "language", "streams": {"pairs": "pairs", "texts": "texts"}}
NAMES = [spec.name for spec in harness_objectives()]


def registry(*more: ObjectiveSpec) -> Registry:
    """The package's objectives and some more, whatever is installed."""
    return Registry((Plugin("lamir", "harness-lamir", "1.0", objectives=(*harness_objectives(), *more)),))


def refused(recipe: Recipe) -> str:
    """What a recipe is refused with, hint and all."""
    with pytest.raises(UsageError) as caught:
        resolve(recipe, registry())
    return str(caught.value)


def test_names_options_and_streams(recipe_of: Make) -> None:
    """What is resolved are the active entries, in order, with checked options and a stream for each slot."""
    recipe = recipe_of(
        [
            {"use": "semantic", "stream": "pairs", "weight": 0.5, "pool": "2n", "temperature": 0.1},
            {**LANGUAGE, "weight": 0},
            {**IR, "hard_negatives": 2},
            {"use": "harness-lamir:semantic", "streams": {"pairs": "pairs"}},
        ],
        pairs="parallel",
        questions={"kind": "ir", "hard_negatives": 3},
        texts="text",
    )
    semantic, ir, again = resolve(recipe, registry())
    assert [one.spec.name for one in (semantic, ir, again)] == ["semantic", "ir", "semantic"]
    assert semantic.options.model_dump() == {"temperature": 0.1, "pool": "2n"} and semantic.entry.weight == 0.5
    assert ir.options.model_dump() == {"temperature": 0.05, "hard_negatives": 2}
    assert (semantic.streams, ir.streams, again.streams) == (
        {"pairs": "pairs"}, {"pairs": "questions"}, {"pairs": "pairs"},
    )  # fmt: skip


def test_the_registry_of_the_process_is_the_default(recipe_of: Make) -> None:
    """The objectives of the installed package are found without further ado."""
    (resolved,) = resolve(recipe_of([IR], questions="ir"))
    assert resolved.spec.factory == "harness_lamir.objectives.ir:Ir"


def test_resolving_stays_light() -> None:
    """Looking objectives up and checking their options imports no torch."""
    code = (
        "import sys, harness_lamir.objectives.resolving, harness_lamir.plugin as p; p.harness_objectives();"
        "print(*{'torch', 'transformers', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("objectives", "streams", "parts"),
    [
        ([{"use": "semantics", "stream": "p"}], {"p": "parallel"}, ["objectives.0", "'semantics'", "mean 'semantic'"]),
        ([{"use": "harness-lamr:ir", "stream": "p"}], {"p": "ir"}, ["'harness-lamr:ir'", "'harness-lamir:ir'"]),
        ([{**IR, "temperatur": 1}], {"questions": "ir"}, ["'temperatur'", "mean 'temperature'"]),
        ([{**IR, "strem": "x"}], {"questions": "ir"}, ["'strem'", "'stream'"]),
        ([{"use": "ir"}], {"questions": "ir"}, ["no stream for pairs", "`stream: NAME`", "pairs (ir)"]),
        ([{**LANGUAGE, "streams": {"pairs": "p"}}], {"p": "parallel"}, ["no stream for texts", "texts (text)"]),
        ([{"use": "language", "stream": "p"}], {"p": "parallel"}, ["`stream` is for one slot alone", "`streams`"]),
        ([{**IR, "streams": {"pairs": "questions"}}], {"questions": "ir"}, ["`stream` is for one slot alone"]),
        (
            [{"use": "ir", "streams": {"pair": "questions"}}],
            {"questions": "ir"},
            ["no slot 'pair'", "mean 'pairs'"],
        ),
        ([{"use": "ir", "stream": "question"}], {"questions": "ir"}, ["no stream 'question'", "mean 'questions'"]),
        (
            [{"use": "ir", "stream": "p"}],
            {"p": "parallel", "q": "ir"},
            ["slot 'pairs' takes rows of kind ir", "'p' is of kind parallel", "Streams of kind ir: q"],
        ),
        ([{"use": "ir", "stream": "p"}], {"p": "parallel"}, ["The recipe has none of kind ir."]),
        ([IR], {"questions": "ir", "spare": "text"}, ["no objective draws from 'spare'"]),
        ([{**IR, "weight": 0}], {"questions": "ir"}, ["no objective has a positive weight"]),
        ([{**IR, "hard_negatives": 2}], {"questions": "ir"}, ["is 2", "'questions' draws 0", "hard_negatives: 2"]),
        (
            [{**IR, "hard_negatives": 0}],
            {"questions": {"kind": "ir", "hard_negatives": 3}},
            ["'questions' draws 3 hard negatives, and no objective uses them"],
        ),
    ],
)
def test_what_is_refused(
    recipe_of: Make, objectives: list[dict[str, Any]], streams: dict[str, Any], parts: list[str]
) -> None:
    """Unknown names, slots without a stream, streams of the wrong kind or of no use: each said in full."""
    message = refused(recipe_of(objectives, **streams))
    assert message.startswith("recipe toy: ")
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        *[(name, "temperature", value) for name in NAMES for value in (0, -1, float("inf"), "warm", None)],
        ("ir", "hard_negatives", -1),
        ("ir", "hard_negatives", 1.5),
        ("semantic", "pool", "both"),
        ("one_to_k", "k", 0),
        ("one_to_k", "anchor", ""),
        ("jsd", "vector_temperature", 0),
        ("jsd", "distance_weight", -0.1),
        ("cropping", "shortest", 0),
        ("cropping", "longest", 1.1),
        ("cropping", "window", 1),
        ("cropping", "queue", -1),
        ("cropping", "momentum", 1.0),
        ("ccp", "radius", 0),
        ("ccp", "bank", -1),
        ("ccp", "head", -1),
        ("distil", "teacher", ""),
        ("distil", "revision", 3),
        ("distil", "teacher_temperature", 0),
    ],
)
def test_a_wrong_option_is_named(recipe_of: Make, name: str, option: str, value: object) -> None:
    """Every value that cannot be is refused with the option's name, what it is for, and the value."""
    (spec,) = [spec for spec in harness_objectives() if spec.name == name]
    slots = {slot: f"s-{kind}" for slot, kind in spec.slots.items()}
    needed = {"teacher": "."} if name == "distil" else {}
    entry = {"use": name, "streams": slots, **needed, option: value}
    message = refused(recipe_of([entry], **{f"s-{kind}": kind for kind in spec.slots.values()}))
    description = spec.options.model_fields[option].description
    assert f"objectives.0 ({name}): option {option} ({description})" in message
    assert f"got {value!r}" in message


def test_rules_over_several_options_are_told(recipe_of: Make) -> None:
    """An empty range of crops, a teacher that is left out, and one that moves."""
    crops = {"use": "cropping", "stream": "t", "shortest": 0.6}
    assert "shortest 0.6 exceeds longest 0.5" in refused(recipe_of([crops], t="text"))
    assert "option teacher (folder of the teacher, `package:NAME/FOLDER`, or hub id): Field required" in refused(
        recipe_of([{"use": "distil", "stream": "p"}], p="parallel")
    )
    for revision in ({}, {"revision": "main"}):
        entry = {"use": "distil", "stream": "p", "teacher": "acme/no-such-folder", **revision}
        assert "a hub id needs `revision`" in refused(recipe_of([entry], p="parallel"))
    pinned = {"use": "distil", "stream": "p", "teacher": "acme/no-such-folder", "revision": "0" * 40}
    assert resolve(recipe_of([pinned], p="parallel"), registry())


@pytest.mark.parametrize("others", [[], [{**IR, "weight": 0}], [LANGUAGE]])
def test_the_language_loss_never_trains_alone(recipe_of: Make, others: list[dict[str, Any]]) -> None:
    """Neither by itself, nor beside objectives that are switched off, nor twice."""
    streams = {"pairs": "parallel", "texts": "text"} | (
        {"questions": "ir"} if others and others[0]["use"] == "ir" else {}
    )
    message = refused(recipe_of([LANGUAGE, *others], **streams))
    assert "'language' must not train alone: one vector for every text minimises it" in message


def test_the_language_loss_trains_beside_another(recipe_of: Make) -> None:
    """One objective that tells texts apart is enough, however small its weight."""
    recipe = recipe_of([LANGUAGE, {**IR, "weight": 1e-6}], pairs="parallel", texts="text", questions="ir")
    assert len(resolve(recipe, registry())) == 2


def test_a_stream_of_an_objective_that_is_off_is_no_error(recipe_of: Make) -> None:
    """Weight 0 switches an objective off without a change of streams."""
    recipe = recipe_of([IR, {**LANGUAGE, "weight": 0}], pairs="parallel", texts="text", questions="ir")
    assert [one.spec.name for one in resolve(recipe, registry())] == ["ir"]


def test_two_distributions_with_one_name(recipe_of: Make) -> None:
    """The bare name is refused with both owners, and the qualified one resolves."""
    (spec,) = [spec for spec in harness_objectives() if spec.name == "ir"]
    both = Registry((*registry().plugins, Plugin("acme", "acme", "1.0", objectives=(spec,))))
    with pytest.raises(UsageError, match="objective 'ir' is declared by harness-lamir and acme") as caught:
        resolve(recipe_of([IR], questions="ir"), both)
    assert "Ask for harness-lamir:ir or acme:ir." in str(caught.value)
    assert resolve(recipe_of([{**IR, "use": "acme:ir"}], questions="ir"), both)


@pytest.mark.parametrize("spec", harness_objectives(), ids=NAMES)
def test_every_objective_can_be_built(recipe_of: Make, spec: ObjectiveSpec) -> None:
    """The factories of the package give objectives with the options they were given."""
    slots = {slot: f"s-{kind}" for slot, kind in spec.slots.items()}
    entry: dict[str, Any] = {"use": spec.name, "streams": slots}
    if spec.name == "distil":
        entry["teacher"] = "."
    streams = {f"s-{kind}": kind for kind in spec.slots.values()} | {"s-ir": "ir"}
    for resolved in resolve(recipe_of([entry, {"use": "ir", "stream": "s-ir"}], **streams), registry())[:1]:
        objective = build(resolved)
        assert isinstance(objective, Objective) and objective.options is resolved.options


@pytest.mark.parametrize(
    ("factory", "error"),
    [
        ("no_such_module_anywhere:Loss", "objective 'broken' could not be loaded: ModuleNotFoundError"),
        ("harness_lamir.losses:no_such_loss", "objective 'broken' could not be loaded: AttributeError"),
        ("harness_lamir.recipe:load_recipe", "objective 'broken' could not be loaded: AttributeError"),
        ("builtins:repr", "builtins:repr gives a str, and no Objective"),
    ],
)
def test_a_factory_that_fails_is_its_plugins_fault(recipe_of: Make, factory: str, error: str) -> None:
    """Whatever a factory throws, or gives instead of an objective, is a UsageError that names it."""
    (ir,) = [spec for spec in harness_objectives() if spec.name == "ir"]
    spec = ObjectiveSpec("broken", factory, "", ir.options, {"pairs": "ir"})
    (resolved,) = resolve(recipe_of([{**IR, "use": "broken"}], questions="ir"), registry(spec))
    with pytest.raises(UsageError) as caught:
        build(resolved)
    assert error in str(caught.value)
