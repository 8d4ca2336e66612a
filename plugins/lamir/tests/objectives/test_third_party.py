"""An objective of another distribution: found by the hook, resolved by name, trained like ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from harness_lamir.data.rows import Text
from harness_lamir.objectives.base import View
from harness_lamir.objectives.resolving import build, resolve
from harness_lamir.recipe import Recipe

from harness.errors import UsageError
from harness.plugins.manager import discover

Install = Callable[..., Path]
Make = Callable[..., Any]

_PLUGIN = """
from harness.plugins import ObjectiveOptions, ObjectiveSpec, hookimpl
from pydantic import Field

class Options(ObjectiveOptions):
    sharpness: float = Field(2.0, gt=0, description="how far texts repel")

@hookimpl
def harness_objectives():
    return [ObjectiveSpec("uniformity", "acme_loss:Uniformity", "texts spread out", Options, {"rows": "text"})]
"""
_LOSS = """
import torch
from harness_lamir.objectives.base import Objective, Texts

class Uniformity(Objective):
    def __init__(self, options):
        super().__init__(options)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
    def attach(self, backbone):
        self.scale = torch.nn.Parameter(torch.ones(backbone.dim))
    def texts(self, rows, rng):
        return {"all": Texts([row.text for row in rows["rows"]], [row.language for row in rows["rows"]])}
    def forward(self, views):
        vectors = views["all"].vectors * self.scale
        return torch.pdist(vectors).pow(2).mul(-self.options.sharpness).exp().mean().log()
    def after_step(self, backbone):
        self.steps += 1
"""


def test_it_resolves_and_trains(
    install: Install, make_backbone: Make, look: Callable[..., dict[str, View]], recipe_of: Callable[..., Recipe]
) -> None:
    """By its name and options in a recipe; a step on it lowers its loss, and its own parameter is trained too."""
    install("acme-losses", {"acme_plugin": _PLUGIN, "acme_loss": _LOSS}, "acme_plugin")
    entry = {"use": "uniformity", "stream": "texts", "sharpness": 3}
    (resolved,) = resolve(recipe_of([entry], texts="text"))
    objective = build(resolved)
    backbone = make_backbone()
    objective.attach(backbone)
    rows = {"rows": [Text(text, "sw") for text in ("maji baridi", "maji moto", "jiwe", "mto mkubwa")]}
    optimizer = torch.optim.SGD([*backbone.parameters(), *objective.parameters()], lr=0.1)
    losses = []
    for _ in range(2):
        loss = objective(look(objective, backbone, rows))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        objective.after_step(backbone)
        losses.append(loss.item())
    assert losses[1] < losses[0]
    assert sorted(name for name, p in objective.named_parameters() if p.grad is not None) == ["scale"]
    assert int(objective.state_dict()["steps"]) == 2


def test_its_names_are_suggested_and_its_options_checked(install: Install, recipe_of: Callable[..., Recipe]) -> None:
    """A misspelt name or option of a third party is answered as one of ours is."""
    install("acme-losses", {"acme_plugin": _PLUGIN}, "acme_plugin")
    registry = discover()
    for entry, part in (
        ({"use": "uniformty"}, "Did you mean 'uniformity'?"),
        ({"use": "uniformity", "sharpnes": 1}, "Did you mean 'sharpness'"),
        ({"use": "uniformity", "sharpness": -1}, "option sharpness (how far texts repel)"),
    ):
        with pytest.raises(UsageError) as caught:
            resolve(recipe_of([{**entry, "stream": "texts"}], texts="text"), registry)
        assert part in str(caught.value)
