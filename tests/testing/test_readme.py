"""The table of options, as a README has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from harness.plugins import EncoderOptions
from harness.plugins.loading import checked_options, parse_assignments
from harness.testing import options_table


class Options(EncoderOptions):
    """One option of each sort."""

    model: str = Field(description="which model")
    label: str | None = Field(None, description="label of the rows")
    prompt: str = Field("", description="text put before queries")
    unit: bool = Field(True, description="scale to length 1")
    size: float = Field(0.5, description="a\n    number | nothing")
    method: Literal["one", "two"] = Field("one", description="how")
    limit: Literal[8, 16] | None = Field(None, description="how far")
    body: dict[str, Any] = Field(default_factory=dict, description="further fields")
    file: Path = Path("a/b")


def test_every_option_is_a_row() -> None:
    """Required, none, empty, a value as it is typed; choices behind the description; no row is broken by its text."""
    assert options_table(Options).splitlines() == [
        "| option | default | meaning |",
        "| --- | --- | --- |",
        "| `model` | required | which model |",
        "| `label` | none | label of the rows |",
        '| `prompt` | `""` | text put before queries |',
        "| `unit` | `true` | scale to length 1 |",
        r"| `size` | `0.5` | a number \| nothing |",
        "| `method` | `one` | how (`one`, `two`) |",
        "| `limit` | none | how far (`8`, `16`) |",
        "| `body` | `{}` | further fields |",
        "| `file` | `a/b` |  |",
    ]


def test_a_default_is_what_the_command_line_takes() -> None:
    """Each default, typed behind `-o name=` without its backticks, gives the options that nothing given gives."""
    rows = [row.split(" | ") for row in options_table(Options).splitlines()[2:]]
    typed = {row[0].strip("| `"): row[1].strip("`") for row in rows if row[1].startswith("`")}
    assert typed.pop("prompt") == '""'  # to a shell, nothing
    assert set(typed) == {"unit", "size", "method", "body", "file"}
    given = parse_assignments(tuple(f"{name}={text}" for name, text in typed.items()))
    assert checked_options("x", Options, {"model": "m", **given}) == Options(model="m")
