"""Tables for a terminal: subsets as columns where they fit, else as rows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from harness.report.markdown import percent
from harness.report.tables import FAILED, MISSING, Table


def show(table: Table, console: Console) -> None:
    """Print `table` to `console`: the subsets that some row has a result for, and how many others there are."""
    subsets = [name for name in table.subsets if any(row.cells[name] != MISSING for row in table.rows)]
    wide = _wide(table, subsets)
    unbounded = console.options.update(max_width=1_000_000)
    fits = console.measure(wide, options=unbounded).maximum <= console.width
    console.print(Text(table.title, style="bold"), highlight=False)
    console.print(wide if fits else _tall(table, subsets))
    if others := len(table.subsets) - len(subsets):
        console.print(Text(f"{others} of {len(table.subsets)} subsets have no result here.", style="dim"))


def _empty() -> RichTable:
    """A table with nothing in it. Names are wrapped in `Text` throughout: a bracket in one is no markup."""
    return RichTable(box=SIMPLE_HEAD, pad_edge=False)


def _wide(table: Table, subsets: Sequence[str]) -> RichTable:
    out = _empty()
    out.add_column("encoder", no_wrap=True)
    for average in table.task.averages:
        out.add_column(Text(average.title), justify="right", style="bold", no_wrap=True)
    for subset in subsets:
        out.add_column(Text(subset), justify="right", no_wrap=True)
    for row in table.rows:
        out.add_row(Text(row.label), *map(_cell, row.averages), *(_cell(row.cells[subset]) for subset in subsets))
    return out


def _tall(table: Table, subsets: Sequence[str]) -> RichTable:
    out = _empty()
    out.add_column("subset", no_wrap=True)
    for row in table.rows:
        out.add_column(Text(row.label), justify="right")
    for subset in subsets:
        out.add_row(Text(subset), *(_cell(row.cells[subset]) for row in table.rows))
    for i, average in enumerate(table.task.averages):
        if i == 0:
            out.add_section()
        out.add_row(Text(average.title), *(_cell(row.averages[i]) for row in table.rows), style="bold")
    return out


def _cell(value: float | str | None) -> Text:
    if value is None or value == MISSING:
        return Text("–", style="dim")
    if isinstance(value, str):
        return Text(value, style="red" if value == FAILED else "dim")
    return Text(percent(value))
