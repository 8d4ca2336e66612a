"""What verbs share: consoles, the registry with its warnings, JSON on stdout."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager, redirect_stdout
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from harness.plugins.manager import Registry

#: Width of tables that nobody watches: wide enough for eighteen languages in one row.
_FILE_WIDTH = 200


def stdout(*, width: int = _FILE_WIDTH) -> Console:
    """The console for data, in which square brackets are square brackets; `width` is for files and pipes."""
    from rich.console import Console

    class Data(Console):
        """A console that lets a closed pipe be told from a failure."""

        def on_broken_pipe(self) -> None:
            """Pass the error on: rich would end the process with code 1, which means something else here."""
            raise

    return Data(markup=False, width=None if sys.stdout.isatty() else width)


def stderr() -> Console:
    """The console for progress and warnings."""
    from rich.console import Console

    return Console(stderr=True, width=None if sys.stderr.isatty() else _FILE_WIDTH)


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table in the style of all lists; the columns in `right` are aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    out = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        out.add_column(column, justify="right" if column in right else "left")
    return out


def listed(values: tuple[str, ...]) -> tuple[str, ...]:
    """Repeated and comma-separated values as one tuple; everything where there are none.

    Raises UsageError for values that are all blank, as an unset variable in a script gives: that is not everything.
    """
    found = tuple(part.strip() for value in values for part in value.split(",") if part.strip())
    if values and not found:
        from harness.errors import UsageError

        raise UsageError("an empty pattern names nothing", "Leave the option out for everything.")
    return found or ("*",)


def data_only() -> AbstractContextManager[object]:
    """Stdout carries data alone: what an encoder prints while it loads or works goes to stderr."""
    return redirect_stdout(sys.stderr)


def print_json(value: Any) -> None:
    """One JSON value on stdout, and nothing else."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def registry(ctx: click.Context) -> Registry:
    """The registry as the global flags want it, with one line for each plugin that failed or will stop working."""
    from harness.plugins.manager import default_registry

    found = default_registry(third_party=not ctx.obj["no_plugins"])
    for failure in found.failures:
        click.echo(f"harness: warning: {failure}; see `harness plugins --traceback`", err=True)
    for notice in found.notices():
        click.echo(f"harness: warning: {notice}; see `harness plugins`", err=True)
    return found
