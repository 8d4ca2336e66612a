"""Toy models as what an installed plugin declares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.plugins.manager import discover
from harness.testing import Subject

_PLUGIN = """
{head}
from typing import Literal
from harness.plugins import EncoderOptions, EncoderSpec, hookimpl

class Lax(EncoderOptions, extra="ignore"):
    pass

class Many(EncoderOptions):
    turn: bool = False
    mode: Literal["a", "b"] = "a"
    size: int = 4
    cut: int | None = None
    batch: int = 8
    label: str = "label"

class Folder(EncoderOptions):
    model: str

@hookimpl
def harness_encoders():
    return [EncoderSpec("toy", "{factory}", "a toy", {options}, kind={kind!r}, expected_failures={expected!r})]
"""


@pytest.fixture
def toy(install: Callable[..., Path]) -> Callable[..., Subject]:
    """A function that installs distribution `toy-dist`, which declares a toy, and returns it as the kit's subject.

    The toy is a class of a module beside this one, or any reference to a factory.
    """

    def make(
        model: type | str,
        kind: str = "encoder",
        /,
        *,
        options: str = "EncoderOptions",
        head: str = "",
        expected: dict[str, str] | None = None,
        **given: Any,
    ) -> Subject:
        factory = model if isinstance(model, str) else f"{model.__module__}:{model.__name__}"
        plugin = _PLUGIN.format(head=head, factory=factory, options=options, kind=kind, expected=expected or {})
        install("toy-dist", {"toy_plugin": plugin, "heavy_toys": ""}, {"toy": "toy_plugin"})
        return Subject("toy-dist:toy", given, registry=discover())

    return make
