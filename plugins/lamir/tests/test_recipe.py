"""The recipe: what it refuses, and that the shipped ones are sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness_lamir.data.loading import load_streams
from harness_lamir.objectives.resolving import resolve
from harness_lamir.recipe import load_recipe, shipped_recipes

from harness.errors import UsageError

Make = Callable[..., dict[str, Any]]


def refused(tmp_path: Path, content: dict[str, Any]) -> str:
    """Return the message with which a recipe is refused."""
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_recipe(path)
    return str(caught.value)


def test_three_recipes_are_shipped() -> None:
    """By these names."""
    assert {"pocket", "tiny", "xlmr-nq"} <= set(shipped_recipes())


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_a_shipped_recipe_is_valid(name: str) -> None:
    """It loads, its objectives resolve, the language loss is on, and no evaluation data is read."""
    recipe = load_recipe(shipped_recipes()[name])
    assert {one.spec.name for one in resolve(recipe)} >= {"ir", "semantic", "language"}
    assert recipe.forbidden
    read = [file for stream in recipe.streams.values() for source in stream.sources for file in source.files]
    assert read and not any(file.startswith(folder) for file in read for folder in ("retrieval", "evaluation"))


def test_the_pocket_recipe_keeps_apart_from_all_evaluation_data() -> None:
    """Every folder that its scores are measured on."""
    recipe = load_recipe(shipped_recipes()["pocket"])
    assert {"retrieval/xquad", "retrieval/afriqa", "retrieval/arcd"} <= set(recipe.forbidden)


def test_the_tiny_recipe_finds_its_data(real_data: Path) -> None:
    """Its globs match, and its languages are there."""
    streams = load_streams(load_recipe(shipped_recipes()["tiny"]), real_data)
    assert streams.by_name["translations"].languages.keys() == {"sw"}


def test_the_large_recipe_has_the_documented_values() -> None:
    """Of the nearest recipe that is documented for its setting."""
    recipe = load_recipe(shipped_recipes()["xlmr-nq"])
    assert (recipe.optimizer.learning_rate, recipe.optimizer.clip, recipe.optimizer.warmup_steps) == (2e-5, 2.0, 1237)
    assert recipe.backbone.max_tokens == 256
    assert recipe.steps == 40 * 58_880 // recipe.streams["questions"].batch_size
    assert recipe.runtime.precision == "bf16" and recipe.runtime.chunk and recipe.runtime.save_every


def test_unknown_keys_are_refused_with_their_place(tmp_path: Path, make_recipe: Make) -> None:
    """A misspelt key is named, at any depth."""
    assert "optimizer.lerning_rate" in refused(tmp_path, make_recipe(optimizer={"lerning_rate": 0.1}))
    content = make_recipe()
    content["streams"]["pairs"]["sources"][0]["shrae"] = 1
    assert "streams.pairs.sources.0.shrae: there is no such key" in refused(tmp_path, content)
    said = refused(tmp_path, make_recipe(stepz=3))
    assert "stepz: there is no such key" in said and "Did you mean 'steps'" in said


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"steps": 0}, "steps"),
        ({"name": "Not A Name"}, "name"),
        ({"optimizer": {"schedule": "cubic"}}, "optimizer.schedule"),
        ({"objectives": [{"use": "ir", "weight": float("inf")}]}, "objectives.0.weight"),
        ({"objectives": []}, "objectives"),
        ({"backbone": {"kind": "features", "ngram_min": 5, "ngram_max": 3}}, "ngram_min 5 exceeds"),
        ({"backbone": {"kind": "scratch", "hidden": 10, "heads": 4}}, "not divisible"),
        ({"backbone": {"kind": "magic"}}, "backbone"),
        ({"evaluation": {"source": "pocket"}}, "evaluation.every"),
    ],
)
def test_values_out_of_range_are_refused(
    tmp_path: Path, make_recipe: Make, changes: dict[str, object], word: str
) -> None:
    """Each is named."""
    assert word in refused(tmp_path, make_recipe(**changes))


def test_hard_negatives_belong_to_questions(tmp_path: Path, make_recipe: Make) -> None:
    """Translations have none."""
    content = make_recipe()
    content["streams"]["pairs"]["hard_negatives"] = 1
    assert "hard_negatives belongs to streams of kind ir" in refused(tmp_path, content)


def test_files_that_are_no_recipe_are_refused(tmp_path: Path) -> None:
    """A missing file lists the shipped recipes; a list and bad YAML are named as such."""
    with pytest.raises(UsageError, match="pocket"):
        load_recipe(tmp_path / "none.yaml")
    path = tmp_path / "list.yaml"
    path.write_text("- 1")
    with pytest.raises(UsageError, match="mapping"):
        load_recipe(path)
    path.write_text("a: [")
    with pytest.raises(UsageError, match="not YAML"):
        load_recipe(path)
