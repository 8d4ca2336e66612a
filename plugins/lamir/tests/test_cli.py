"""`harness train lamir`: arguments, messages and what lands where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from harness_lamir.cli import train

from harness.errors import UsageError

Make = Callable[..., dict[str, Any]]


def write(make: Make, folder: Path, **changes: object) -> Path:
    """Write the tiny recipe as YAML."""
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(make(**changes)), encoding="utf-8")
    return path


def test_a_run_prints_its_folder_and_reports_on_stderr(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """Standard output holds the folder alone; the card holds a command without this machine."""
    config = write(make_recipe, tmp_path)
    output = tmp_path / "model"
    arguments = ["--config", str(config), "--data", str(tiny_data), "--output", str(output)]
    done = CliRunner().invoke(train, [*arguments, "--steps", "4", "--seed", "9"])
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{output}\n"
    assert "step 4/4: ir " in done.stderr and "held-out translations found" in done.stderr
    card = (output / "README.md").read_text(encoding="utf-8")
    assert ("    harness train lamir --config tiny.yaml --data DATA --output tiny --seed 9 --steps 4\n") in card
    assert "Seed 9, 4 steps" in card


def test_the_data_folder_defaults_to_the_recipes_own(
    make_recipe: Make, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or comes from the environment."""
    monkeypatch.delenv("HARNESS_TEST_DATA", raising=False)
    monkeypatch.delenv("HARNESS_TRAIN_DATA", raising=False)
    inside = write(make_recipe, tiny_data, steps=1)
    output = str(tmp_path / "a")
    assert CliRunner().invoke(train, ["--config", str(inside), "--output", output]).exit_code == 0
    outside = ["--config", str(write(make_recipe, tmp_path, steps=1)), "--output"]
    failed = CliRunner().invoke(train, [*outside, str(tmp_path / "b")])
    assert isinstance(failed.exception, UsageError)
    environment = {"HARNESS_TRAIN_DATA": str(tiny_data)}
    done = CliRunner().invoke(train, [*outside, str(tmp_path / "b")], env=environment)
    assert done.exit_code == 0


def test_a_forbidden_folder_can_be_added(make_recipe: Make, tiny_data: Path, tmp_path: Path) -> None:
    """--forbid joins the recipe's own list."""
    (tiny_data / "more").mkdir()
    (tiny_data / "more" / "q.jsonl").write_text('{"text": "Water"}')
    (tiny_data / "english.tsv").write_text("water\tthe river\n")
    arguments = ["--config", str(write(make_recipe, tmp_path)), "--data", str(tiny_data)]
    failed = CliRunner().invoke(train, [*arguments, "--forbid", "more", "--output", "x"])
    assert isinstance(failed.exception, UsageError)
    assert "english.tsv:1" in str(failed.exception)


def test_a_shipped_recipe_goes_by_its_name(tmp_path: Path) -> None:
    """`--config pocket` is found; its data is then looked for in the folder given."""
    failed = CliRunner().invoke(train, ["--config", "pocket", "--data", str(tmp_path)])
    assert isinstance(failed.exception, UsageError)
    assert "retrieval/xquad" in str(failed.exception)


def test_help_names_every_option() -> None:
    """The help is printed without importing torch's trainer."""
    text = CliRunner().invoke(train, ["--help"]).output
    for option in ("--config", "--data", "--output", "--seed", "--steps", "--forbid"):
        assert option in text
