"""Changes from the command line: where they land, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness_lamir.recipe import Recipe
from harness_lamir.training.overrides import changed, parse_change, parse_number

from harness.errors import UsageError

Make = Callable[..., dict[str, Any]]


def after(make: Make, *changes: str, **content: object) -> Recipe:
    """Return the tiny recipe after changes."""
    recipe = Recipe.model_validate(make(**content))
    return changed(recipe, [parse_change(text) for text in changes], "r.yaml")


def refusal(make: Make, *changes: str) -> str:
    """Return the message with which changes are refused."""
    with pytest.raises(UsageError) as caught:
        after(make, *changes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("steps=7", lambda r: r.steps == 7),
        ("optimizer.learning_rate=1e-5", lambda r: r.optimizer.learning_rate == 1e-5),
        ("optimizer.clip=null", lambda r: r.optimizer.clip is None),
        ("streams.pairs.languages=[xa, xb]", lambda r: r.streams["pairs"].languages == ["xa", "xb"]),
        ("streams.pairs.sources.0.share=0.5", lambda r: r.streams["pairs"].sources[0].share == 0.5),
        ("streams.pairs.sources.cipher.share=0.5", lambda r: r.streams["pairs"].sources[0].share == 0.5),
        ("objectives.semantic.temperature=0.1", lambda r: r.objectives[1].options == {"temperature": 0.1}),
        ("objectives.2.weight=0", lambda r: len(r.active) == 2),
        ("backbone={kind: tokens, dim: 8}", lambda r: r.backbone.kind == "tokens" and r.backbone.dim == 8),
        ("evaluation={every: 5}", lambda r: r.evaluation.every == 5),
        ("evaluation.every=5", lambda r: r.evaluation.every == 5 and r.evaluation.source == "pocket"),
        ("summary=a=b", lambda r: r.summary == "a=b"),
    ],
)
def test_a_value_lands_where_its_path_leads(make_recipe: Make, change: str, found: Callable[[Recipe], bool]) -> None:
    """Through mappings, lists, names of objectives and settings that are off."""
    assert found(after(make_recipe, change))


def test_nothing_else_changes(make_recipe: Make) -> None:
    """A recipe without changes is the same recipe; later changes win."""
    assert after(make_recipe) == Recipe.model_validate(make_recipe())
    assert after(make_recipe, "seed=1", "seed=2") == Recipe.model_validate(make_recipe(seed=2))


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ("optimizer.lerning_rate=1", ("optimizer.lerning_rate", "'learning_rate'")),
        ("optimiser.clip=1", ("the recipe has no optimiser", "'optimizer'")),
        ("streams.piars.batch_size=1", ("streams.piars", "'pairs'")),
        ("objectives.semantics.weight=1", ("nothing is called 'semantics'", "'semantic'")),
        ("objectives.9.weight=1", ("there are 3 elements",)),
        ("evaluation.patienec=1", ("evaluation.patienec", "'patience'")),
        ("evaluation.patience=1", ("evaluation.every",)),
        ("steps.more=1", ("nothing below steps",)),
        ("steps=many", ("steps",)),
        ("backbone.tokens=1", ("backbone", "16")),
        ("steps", ("key.path=value",)),
        ("=3", ("key.path=value",)),
        ("steps=[", ("not YAML",)),
    ],
)
def test_what_leads_nowhere_is_refused(make_recipe: Make, change: str, parts: tuple[str, ...]) -> None:
    """With the path and the nearest key, or the rule that a value breaks."""
    message = refusal(make_recipe, change)
    for part in parts:
        assert part in message, message


def test_short_forms_are_names_and_numbers() -> None:
    """NAME=N, nothing else."""
    assert parse_number("pairs=64", "--batch-size", int) == ("pairs", 64)
    assert parse_number("semantic=0.5", "--weight", float) == ("semantic", 0.5)
    for text in ("pairs", "pairs=", "=3", "pairs=x", "pairs=1.5"):
        with pytest.raises(UsageError, match="--batch-size"):
            parse_number(text, "--batch-size", int)
