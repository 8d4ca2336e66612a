"""docs/objectives.md: it names everything there is, and its example works as written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from harness_lamir.data.rows import Translation
from harness_lamir.objectives.base import View
from harness_lamir.objectives.resolving import build, resolve
from harness_lamir.plugin import harness_objectives
from harness_lamir.recipe import parse_recipe

from harness.errors import UsageError
from harness.plugins import ObjectiveSpec

PAGE = Path(__file__).parents[2] / "docs" / "objectives.md"


@pytest.fixture(scope="module")
def page() -> str:
    """The text of the page; it is no part of an installed package."""
    if not PAGE.is_file():
        pytest.skip("no docs beside the tests")
    return PAGE.read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The page's code of one language."""
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


@pytest.mark.parametrize("spec", harness_objectives(), ids=lambda spec: spec.name)
def test_the_page_names_what_there_is(page: str, spec: ObjectiveSpec) -> None:
    """Every objective has a row with its slots and kinds, and a section with every option and its default."""
    (row,) = re.findall(rf"^\| `{spec.name}` \|.*$", page, flags=re.MULTILINE)
    slots = ", ".join(f"`{slot}` (`{kind}`)" for slot, kind in spec.slots.items())
    assert row.split(" | ")[1] == slots
    assert ("*Collapses*" in row) == spec.collapses
    (section,) = re.findall(rf"^### `{spec.name}`\n(.*?)(?=^##)", page, flags=re.MULTILINE | re.DOTALL)
    told = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section, flags=re.MULTILINE))
    defaults: dict[str, Any] = {
        name: "must be given" if field.is_required() else field.default
        for name, field in spec.options.model_fields.items()
    }
    assert defaults.pop("temperature") == 0.05  # said once for all
    assert set(told) == set(defaults)
    for name, default in defaults.items():
        assert told[name].strip("`") in (str(default), *(["all", "none"] if default is None else []))


def test_the_page_names_nothing_else(page: str) -> None:
    """No section is about an objective that is gone."""
    assert re.findall(r"^### `(\w+)`", page, flags=re.MULTILINE) == [spec.name for spec in harness_objectives()]


def test_the_first_recipe_resolves(page: str) -> None:
    """The objectives and streams at the top of the page fit together."""
    source = "[{name: made up, files: ['*.tsv'], licence: CC0 1.0}]"
    content = yaml.safe_load(blocks(page, "yaml")[0].replace("[…]", source))
    recipe = parse_recipe({"name": "top", "licence": "cc0-1.0", "steps": 1, **content}, "top")
    assert [resolved.spec.name for resolved in resolve(recipe)] == ["ir", "semantic", "language"]


def test_the_example_runs(
    page: str,
    install: Callable[..., Path],
    make_backbone: Callable[..., Any],
    look: Callable[..., dict[str, View]],
) -> None:
    """Its files make a distribution; its recipe resolves; a step of training lowers its loss; alone it is refused."""
    project = tomllib.loads(blocks(page, "toml")[0])["project"]
    declares, works = blocks(page, "python")
    (plugin,) = project["entry-points"]["lamir_harness"].values()
    install(project["name"], {plugin: declares, "harness_nearness": works}, plugin)
    content = yaml.safe_load(blocks(page, "yaml")[1])
    _, resolved = resolve(parse_recipe(content, "near"))
    assert resolved.options.model_dump() == {"power": 1.0}
    objective, backbone = build(resolved), make_backbone()
    rows = {"pairs": [Translation("cold water", "maji baridi", "sw"), Translation("stone", "kivi", "fi")]}
    optimizer = torch.optim.SGD(backbone.parameters(), lr=0.5)
    losses = []
    for _ in range(2):
        loss = objective(look(objective, backbone, rows))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[1] < losses[0]
    with pytest.raises(UsageError, match="'nearness' must not train alone"):
        resolve(parse_recipe({**content, "objectives": content["objectives"][1:]}, "near"))
