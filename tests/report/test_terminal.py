"""Tables for a terminal, wide and narrow."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from harness.report import terminal
from harness.report.tables import build
from harness.results.schema import ResultFile

Make = Callable[..., ResultFile]


def _shown(files: list[ResultFile], width: int) -> list[list[str]]:
    """The words of each printed line."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for table in build(files):
        terminal.show(table, console)
    return [line.split() for line in console.file.getvalue().splitlines() if line.strip()]  # type: ignore[attr-defined]


def _files(make: Make) -> list[ResultFile]:
    return [
        make({"sw": 0.2, "te": 0.4, "yo": 0.9}, name="alpha", fingerprint="a" * 64),
        make({"sw": 0.05, "te": "failed"}, name="beta", fingerprint="b" * 64),
    ]


def test_wide(make_result: Make) -> None:
    """Where they fit, subsets are columns and encoders rows."""
    title, header, _, *rows = _shown(_files(make_result), 100)
    assert title == ["MIRACL", "v1.0:", "nDCG@10"]
    assert header == ["encoder", "Avg", "sw", "te", "yo"]
    assert rows == [["alpha", "50.0", "20.0", "40.0", "90.0"], ["beta", "–", "5.0", "failed", "–"]]


def test_narrow(make_result: Make) -> None:
    """Where they do not, subsets are rows, the average stands below them, and no line is too long."""
    lines = _shown(_files(make_result), 28)
    assert ["subset", "alpha", "beta"] in lines
    rows = [line for line in lines if line[0] in ("sw", "te", "yo", "Avg")]
    assert rows == [["sw", "20.0", "5.0"], ["te", "40.0", "failed"], ["yo", "90.0", "–"], ["Avg", "50.0", "–"]]


def test_no_line_is_wider_than_the_terminal(make_result: Make) -> None:
    """Eighteen languages on eighty columns are shown whole, one below the other."""
    declared = tuple("ar bn de en es fa fi fr hi id ja ko ru sw te th yo zh".split())
    console = Console(file=io.StringIO(), width=80, color_system=None)
    (table,) = build([make_result(dict.fromkeys(declared, 0.5), declared=declared, name="a rather long name")])
    terminal.show(table, console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(len, lines)) <= 80
    assert sum(line.split()[:1] == [name] for line in lines for name in declared) == 18


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", ["e5[instruct]", "[red]x", "a[/]b", "[/bold]"])
def test_names_are_shown_as_they_are(name: str, narrow: bool, make_result: Make) -> None:
    """Square brackets in a name are a name and not markup, as encoder and as task."""
    files = [make_result({"sw": 0.5}, name=name, task={"title": name})]
    lines = _shown(files, len(name) + 12 if narrow else 100)
    assert any(line[0] == ("subset" if narrow else "encoder") for line in lines)
    words = [word for line in lines for word in line]
    assert words.count(name) + words.count(f"{name}:") == 2


@pytest.mark.parametrize("width", [28, 100], ids=["narrow", "wide"])
def test_subsets_that_nobody_ran_are_counted_and_not_listed(width: int, make_result: Make) -> None:
    """A run on two of twenty-six languages shows two; one that failed is shown, because somebody ran it."""
    declared = tuple(f"x{i}" for i in range(26))
    lines = _shown([make_result({"x3": 0.5, "x9": "failed"}, declared=declared)], width)
    words = [word for line in lines for word in line]
    assert {word for word in words if word.startswith("x")} == {"x3", "x9"}
    assert "24 of 26 subsets have no result here." in " ".join(words)
