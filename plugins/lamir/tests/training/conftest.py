"""A small transformer, objectives over made-up rows, and a way to run a script of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from harness_lamir.backbones.base import Backbone
from harness_lamir.backbones.building import build_backbone
from harness_lamir.backbones.settings import ScratchBackbone
from harness_lamir.data.rows import Pair, Text, Translation
from harness_lamir.objectives.resolving import resolve
from harness_lamir.recipe import Recipe
from harness_lamir.training.step import Member
from harness_lamir.training.trainer import members_of

_WORDS = "water stone river mountain bridge garden winter silver market window teacher kitchen forest".split()

#: Loads the two conftests as modules: `here` (this one) and `above`.
_PREAMBLE = """
import importlib.util, sys
def _load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
here, above = _load("here", sys.argv[1]), _load("above", sys.argv[2])
"""


def _sentence(rng: Random) -> str:
    return " ".join(rng.choice(_WORDS) for _ in range(rng.randint(1, 9)))


def small_backbone(dropout: float = 0.0, *, double: bool = False) -> Backbone:
    """Build a small transformer: with dropout, or in float64 from end to end (means are taken in float32)."""
    settings = ScratchBackbone(
        kind="scratch",
        layers=1,
        hidden=16,
        heads=2,
        tokens=80,
        dropout=dropout,
        pooling="cls" if double else "mean",
    )
    rng = Random(1)
    backbone: Any = build_backbone(settings, lambda count: [_sentence(rng) for _ in range(200)], seed=5)
    if double:
        backbone.double()
        backbone.forward = lambda batch: backbone.vectors(batch["input_ids"], batch["attention_mask"].bool())
    return backbone  # type: ignore[no-any-return]


def members_for(
    backbone: Backbone, content: dict[str, Any], entries: list[dict[str, Any]] | None = None
) -> list[Member]:
    """Attach objectives of a recipe, by default the three of LAMIR and MoCo, to a backbone."""
    moco = {"use": "cropping", "weight": 0.5, "stream": "texts", "queue": 16}
    content["objectives"] = entries or [*content["objectives"], moco]
    used = {name for one in content["objectives"] for name in (one.get("stream"), *one.get("streams", {}).values())}
    content["streams"] = {name: stream for name, stream in content["streams"].items() if name in used}
    members = members_of(resolve(Recipe.model_validate(content)), 3)
    for member in members:
        member.objective.attach(backbone)
        member.objective.train()
    return members


def made_up_rows() -> dict[str, list[Any]]:
    """Return a batch of each stream; some texts occur twice."""
    rng = Random(2)
    english = [_sentence(rng) for _ in range(6)]
    pairs: list[Any] = [Translation(text, _sentence(rng), "xa") for text in english]
    questions: list[Any] = [Pair(_sentence(rng), text, (_sentence(rng),)) for text in english[:5]]
    texts: list[Any] = [Text(_sentence(rng) + " tail", "xb") for _ in range(7)] + [Text(english[0], "xb")]
    return {"english": questions, "pairs": pairs, "texts": texts}


@pytest.fixture
def make_backbone() -> Callable[..., Backbone]:
    """Return `small_backbone`."""
    return small_backbone


@pytest.fixture
def make_members(make_recipe: Callable[..., dict[str, Any]]) -> Callable[..., list[Member]]:
    """Return a function that attaches objectives to a backbone."""
    return lambda backbone, entries=None: members_for(backbone, make_recipe(), entries)


@pytest.fixture
def rows() -> dict[str, list[Any]]:
    """Return a batch of each stream."""
    return made_up_rows()


@pytest.fixture
def run_script(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Return a function that starts Python on a script, which finds these helpers as `here` and `above`."""

    def start(script: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        # A file for each process: to write one again would empty it under another that is just starting.
        path = tmp_path / f"script-{len(list(tmp_path.glob('script-*.py')))}.py"
        path.write_text(_PREAMBLE + script, encoding="utf-8")
        above = Path(__file__).parents[1] / "conftest.py"
        return subprocess.Popen(
            [sys.executable, str(path), __file__, str(above), *arguments],
            env=os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start
