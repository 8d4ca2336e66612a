"""`harness data`: which files the benchmarks need, where they are, fetching them, and checking them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import common

if TYPE_CHECKING:
    from rich.table import Table


class _ListByDefault(click.Group):
    """A group whose verb may be left out: `harness data miracl/sw` is `harness data list miracl/sw`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `list` before anything that is no verb."""
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ListByDefault, short_help="List, fetch and verify the files of the benchmarks.")
def data() -> None:
    """List, fetch and verify the files that the published benchmarks need.

    \b
    harness data miracl/sw                 what it needs, and whether it is here
    harness data fetch miracl/sw           fetch it, resuming what was begun
    harness data verify mr-tydi --source FOLDER
    """  # noqa: D301  click wants the character, not the letters


@dataclass(frozen=True)
class _Choice:
    """Which subsets of which source."""

    patterns: tuple[str, ...]
    languages: tuple[str, ...]
    source: str
    split: str | None
    cache: Path | None

    def open(self, *, missing_too: bool = False) -> tuple[Any, list[Any]]:
        """The opened source and the subsets that were named; with `missing_too` those it has no files for as well."""
        from harness.cli.progress import ReadingProgress
        from harness.errors import UsageError
        from harness.sources import open_official
        from harness.tasks.selection import Selection, select

        if self.source == "pocket":
            raise UsageError("the pocket collection is part of the package: nothing of it is fetched or missing")
        opened = open_official(self.source, cache=self.cache, progress=ReadingProgress(common.stderr()))
        tasks = opened.every_task() if missing_too else opened.tasks()
        selection = Selection(common.listed(self.patterns), common.listed(self.languages), self.split)
        return opened, select(tasks, selection)


def _choosing(*, required: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of every verb here; the command gets a `_Choice` and whether JSON is wanted."""
    options = (
        click.argument("patterns", nargs=-1, required=required),
        click.option("--languages", "-l", multiple=True, default=("*",), help="Query language, subset name or glob."),
        click.option(
            "--source",
            "-s",
            default="hub",
            show_default=True,
            envvar="HARNESS_SOURCE",
            metavar="hub|FOLDER",
            help="The Hugging Face hub (and the web beside it), or a folder with official files.",
        ),
        click.option("--split", envvar="HARNESS_SPLIT", help="By default each task's own."),
        click.option(
            "--cache",
            type=click.Path(file_okay=False, path_type=Path),
            envvar="HARNESS_CACHE",
            help="Folder for what can be made again. Default: the user's cache folder.",
        ),
        click.option("--json", "as_json", is_flag=True, envvar="HARNESS_JSON", help="One JSON object on stdout."),
    )

    def add(command: Callable[[_Choice, bool], Any]) -> Callable[..., Any]:
        @wraps(command)
        def chosen(as_json: bool, **choice: Any) -> Any:
            return command(_Choice(**choice), as_json)

        decorated: Callable[..., Any] = chosen
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return add


@data.command(name="list", short_help="What each subset needs, where it is, and what is missing.")
@_choosing()
def list_data(choice: _Choice, as_json: bool) -> None:
    """List the parts of every subset that PATTERNS name (all of them by default)."""
    from harness.sources.inventory import inventory

    opened, selected = choice.open(missing_too=True)
    items = list(inventory(opened, selected))
    if as_json:
        common.print_json({"source": choice.source, "items": [_facts(item) for item in items]})
        return
    console = common.stdout(width=400)
    console.print(_parts(items, choice.source) if choice.patterns else _summary(items))
    if choice.source == "hub" and any(item.found for item in items):
        console.print(
            f"Fetched files are in {' and '.join(map(str, opened.folders()))}", highlight=False, soft_wrap=True
        )
    missing = {item.selected.label for item in items if not item.found}
    total = {item.selected.label for item in items}
    console.print(f"{len(total) - len(missing)} of {len(total)} subsets are complete here.", highlight=False)
    if not choice.patterns:
        console.print("`harness data TASK` or `harness data TASK/SUBSET` lists the files.", highlight=False)


@data.command(short_help="Fetch what is missing, resuming what was begun.")
@_choosing(required=True)
def fetch(choice: _Choice, as_json: bool) -> int:
    """Fetch everything that PATTERNS need.

    Exit codes: 0 all of it is here, 1 some could not be fetched, 4 nothing could. HF_ENDPOINT names a mirror of the
    hub, and HARNESS_WEB_MIRROR one of the web: with https://mirror.example, https://host/path is fetched from
    https://mirror.example/host/path.
    """
    from harness.errors import DataError, ExitCode, UsageError
    from harness.sources.hub.clients import NotReached

    if choice.source not in ("hub", "pocket"):
        raise UsageError(f"--source {choice.source} is a folder: there is nothing to fetch")
    opened, selected = choice.open()
    rows = []
    reached = True
    for item in selected:
        if not reached:
            rows.append({"subset": item.label, "split": item.split, "files": [], "error": "not tried: no connection"})
            continue
        try:
            with common.data_only():
                fetched = opened.fetch(item)
            rows.append({"subset": item.label, "split": item.split, "files": list(fetched), "error": None})
            click.echo(f"{item.label}: complete", err=True)
        except DataError as error:
            rows.append({"subset": item.label, "split": item.split, "files": [], "error": str(error)})
            click.echo(f"{item.label}: {error}", err=True)
            reached = not isinstance(error, NotReached)
    failed = sum(row["error"] is not None for row in rows)
    if as_json:
        common.print_json({"fetched": rows})
    else:
        click.echo(f"{len(rows) - failed} of {len(rows)} subsets are complete.")
    if not failed:
        return ExitCode.OK
    return ExitCode.USAGE if failed == len(rows) else ExitCode.SOME_FAILED


@data.command(short_help="Compare counts and content with what was published.")
@_choosing()
def verify(choice: _Choice, as_json: bool) -> int:
    """Compare what is here of PATTERNS, or of everything, with what was published. Nothing is fetched.

    Without PATTERNS, benchmarks of which nothing is here are left out. Exit code 1 when something differs, is missing
    or cannot be read.
    """
    from harness.errors import ExitCode, NothingSelectedError
    from harness.sources import inventory

    opened, selected = choice.open(missing_too=True)
    if not choice.patterns:
        selected = [item for item in selected if any(part.found for part in inventory.inventory(opened, [item]))]
    if not selected:
        raise NothingSelectedError("no benchmark has a file here", "`harness data` lists what is known.")
    with common.data_only():
        checks = list(inventory.verify(opened, selected))
    if as_json:
        rows = [
            {"subset": c.selected.label, "split": c.selected.split, "what": c.what, "expected": c.expected,
             "found": c.found, "status": c.status}
            for c in checks
        ]  # fmt: skip
        common.print_json({"checks": rows})
    else:
        table = common.table("subset", "split", "what", "published", "here", "status", right=("published", "here"))
        for check in checks:
            hashes = check.what.startswith("content")  # whole in --json
            expected, found = (text[:16] if hashes else text for text in (check.expected, check.found))
            table.add_row(check.selected.label, check.selected.split, check.what, expected, found, check.status)
        common.stdout().print(table)
    wrong = any(check.status in ("differs", "failed", "missing") for check in checks)
    return ExitCode.SOME_FAILED if wrong else ExitCode.OK


@data.command(short_help="Print the manifest entries of what a folder has.", hidden=True)
@_choosing()
def manifest(choice: _Choice, as_json: bool) -> None:
    """Print counts and hashes of queries and judgements, as harness/sources/official/manifest.json keeps them."""
    from dataclasses import replace

    from harness.sources import inventory

    opened, selected = choice.open(missing_too=True)
    entries = {}
    for item in selected:
        for each in (choice.split,) if choice.split else item.task.splits_of(item.subset.name):
            chosen = replace(item, split=each)
            if all(part.found for part in inventory.inventory(opened, [chosen]) if part.kind != "corpus"):
                entries[inventory.key(chosen)] = inventory.facts(chosen, opened.asked(chosen))
    common.print_json(entries)


def _facts(item: Any) -> dict[str, Any]:
    task = item.selected.task
    return {
        "task": task.name,
        "subset": item.selected.subset.name,
        "split": item.selected.split,
        "part": item.kind,
        "file": item.name,
        "found": list(item.found),
        "size": item.size,
        "origins": list(item.origins),
        "licence": task.licence,
    }


def _summary(items: list[Any]) -> Table:
    """One row for each task."""
    table = common.table(
        "task", "complete", "subsets", "size here", "licence", right=("complete", "subsets", "size here")
    )
    for name, task in {item.selected.task.name: item.selected.task for item in items}.items():
        own = [item for item in items if item.selected.task.name == name]
        subsets = {item.selected.label for item in own}
        missing = {item.selected.label for item in own if not item.found}
        sizes = {item.found: item.size or 0 for item in own}  # files that several subsets share count once
        size = _size(sum(sizes.values())) if any(sizes.values()) else ""
        table.add_row(name, str(len(subsets) - len(missing)), str(len(subsets)), size, task.licence)
    return table


def _parts(items: list[Any], source: str) -> Table:
    """One row for each part of each subset."""
    table = common.table("subset", "split", "part", "file", "found", "size", "published at", right=("size",))
    for name in ("file", "found", "published at"):
        next(column for column in table.columns if column.header == name).overflow = "fold"
    for item in items:
        table.add_row(
            item.selected.label,
            item.selected.split,
            item.kind,
            item.name,
            _found(item.found, source),
            _size(item.size),
            item.origins[0] if item.origins else "nowhere to fetch from",
        )
    tasks = {item.selected.task.name: item.selected.task for item in items}.values()
    table.caption = "\n".join(f"{task.name}: {task.licence}; {task.url}" for task in tasks)
    table.caption_justify = "left"
    return table


def _found(paths: tuple[str, ...], source: str) -> str:
    """The files found, below the folder that was named or in the cache."""
    if not paths:
        return "missing"
    if source == "hub":
        return "fetched"
    root = f"{Path(source).expanduser().resolve()}/"
    return paths[0].removeprefix(root) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")


def _size(size: int | None) -> str:
    """Bytes as people read them."""
    if size is None:
        return ""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:,.0f} {unit}"
        value /= 1000
    return f"{value:,.1f} GB"
