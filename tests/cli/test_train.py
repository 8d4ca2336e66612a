"""`harness train`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
Install = Callable[..., Path]

_PLUGIN = (
    "from harness.plugins import TrainerSpec, hookimpl\n"
    "@hookimpl\ndef harness_trainers():\n"
    "    return [TrainerSpec('coach', 'coach:train', 'teaches'),"
    " TrainerSpec('ghost', 'ghost_module:train', 'is not there')]\n"
)
_COMMAND = """
import click
@click.command()
@click.option("--steps", type=int, default=1)
def train(steps):
    "Train the coach."
    click.echo(f"{steps} steps")
"""


@pytest.fixture
def coach(install: Install) -> None:
    """A distribution with a trainer that works and one whose command is missing."""
    install("coach-dist", {"coach_plugin": _PLUGIN, "coach": _COMMAND}, {"coach": "coach_plugin"})


def test_without_trainers(cli: Cli) -> None:
    """The core has no trainer, and says so."""
    assert "(none)" in cli("--no-plugins", "train", "--help").out
    done = cli("--no-plugins", "train", "lamir")
    assert done.code == 4
    assert "there is no trainer 'lamir'. No plugin that is installed offers one." in done.err


def test_list(cli: Cli, coach: None) -> None:
    """Help lists every trainer with its summary and imports none of them."""
    done = cli("train", "--help")
    assert done.code == 0
    assert ["coach", "teaches"] in [line.split() for line in done.out.splitlines()]
    assert "is not there" in done.out


def test_a_trainer_is_a_verb(cli: Cli, coach: None) -> None:
    """The trainer's own options and help work."""
    assert cli("train", "coach", "--steps", 3).out == "3 steps\n"
    assert "Train the coach." in cli("train", "coach", "--help").out
    assert cli("train", "coach", "--steps", "many").code == 4


def test_misspelt_trainer(cli: Cli, coach: None) -> None:
    """A misspelt trainer is answered with the nearest one."""
    done = cli("train", "couch")
    assert done.code == 4
    assert "there is no trainer 'couch'. Did you mean 'coach'?" in done.err


def test_trainer_that_cannot_be_loaded(cli: Cli, coach: None) -> None:
    """A trainer whose code is missing is its plugin's fault, exit 4, and not a defect of the harness."""
    done = cli("train", "ghost")
    assert done.code == 4
    assert "trainer 'ghost' could not be loaded: ModuleNotFoundError: No module named 'ghost_module'" in done.err
    assert "defect" not in done.err and "Traceback" not in done.err
