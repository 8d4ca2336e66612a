"""The recipe: what it refuses, and that the shipped one is sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
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


def test_the_shipped_recipe_is_valid() -> None:
    """It loads, and keeps apart from all evaluation data."""
    recipe = load_recipe(shipped_recipes()["pocket"])
    assert recipe.loss.language_weight > 0
    assert "retrieval/xquad" in recipe.forbidden
    streams = [stream for _, stream in recipe.streams if stream is not None]
    read = [file for stream in streams for source in stream.sources for file in source.files]
    assert read and not any(file.startswith("retrieval") for file in read)


def test_unknown_keys_are_refused_with_their_place(tmp_path: Path, make_recipe: Make) -> None:
    """A misspelt key is named, at any depth."""
    assert "loss.temprature" in refused(tmp_path, make_recipe(loss={"temprature": 0.1}))


def test_the_language_loss_never_trains_alone(tmp_path: Path, make_recipe: Make) -> None:
    """Both other weights at zero would let the encoder collapse."""
    weights = {"ir_weight": 0, "semantic_weight": 0, "language_weight": 1.0}
    message = refused(tmp_path, make_recipe(loss=weights))
    assert "language loss alone" in message


@pytest.mark.parametrize(
    ("stream", "weight"),
    [("ir", "ir_weight"), ("parallel", "semantic_weight"), ("nonparallel", "language_weight")],
)
def test_a_loss_without_text_is_refused(tmp_path: Path, make_recipe: Make, stream: str, weight: str) -> None:
    """A positive weight needs its stream."""
    content = make_recipe()
    streams = content["streams"]
    del streams[stream]
    message = refused(tmp_path, content)
    assert weight in message and f"`{stream}`" in message


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"steps": 0}, "steps"),
        ({"name": "Not A Name"}, "name"),
        ({"loss": {"temperature": 0}}, "loss.temperature"),
        ({"loss": {"semantic_weight": float("inf")}}, "loss.semantic_weight"),
        ({"model": {"ngram_min": 5, "ngram_max": 3}}, "ngram_min 5 exceeds"),
        ({"loss": {"semantic_pool": "both"}}, "semantic_pool"),
    ],
)
def test_values_out_of_range_are_refused(
    tmp_path: Path, make_recipe: Make, changes: dict[str, object], word: str
) -> None:
    """Each is named."""
    assert word in refused(tmp_path, make_recipe(**changes))


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
