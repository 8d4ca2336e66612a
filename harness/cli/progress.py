"""Progress on stderr: a bar with rate and time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from harness.results.schema import SubsetResult

#: Seconds between lines where stderr is no terminal.
_LINE_EVERY = 20.0


class _Rate(ProgressColumn):
    """Texts encoded per second."""

    def render(self, task: Task) -> Text:
        """The rate, or a blank before it is known."""
        return Text(f"{task.speed:,.0f} texts/s" if task.speed else "", style="dim")


class TerminalReporter:
    """Tells a person what a run is doing."""

    def __init__(self, console: Console, encoder: str) -> None:
        self._console = console
        self._encoder = encoder
        self._progress: Progress | None = None
        self._label, self._pairs = "", 0
        self._total = self._done = self._subsets = self._finished = 0
        self._started = self._last_line = time.monotonic()

    def begin(self, texts: int, subsets: int) -> None:
        """Show what is ahead."""
        self._total, self._subsets = texts, subsets
        if not subsets:
            return
        self._console.print(
            f"{self._encoder}: {subsets} subsets, {texts:,} texts to encode", highlight=False, markup=False
        )
        if self._console.is_terminal and texts:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                _Rate(),
                TimeRemainingColumn(),
            )
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._progress.start()
            self._bar = self._progress.add_task("encoding", total=texts)

    def start(self, label: str) -> None:
        """Name the subset at work."""
        self._label, self._pairs = label, 0
        if self._progress:
            self._progress.update(self._bar, description=label)

    def advance(self, texts: int) -> None:
        """Move the bar, or say where we are every now and then."""
        self._done += texts
        if self._progress:
            self._progress.advance(self._bar, texts)
            return
        now = time.monotonic()
        if now - self._last_line >= _LINE_EVERY:
            self._last_line = now
            rate = self._done / (now - self._started)
            left = max(0, self._total - self._done) / rate if rate else 0.0
            self._console.print(
                f"  {self._done:,} of {self._total:,} texts, {rate:,.0f} texts/s, about {left:,.0f} s left",
                highlight=False,
            )

    def rescored(self, pairs: int, of: int) -> None:
        """Say every now and then how far the reranker is with this subset."""
        self._pairs += pairs
        now = time.monotonic()
        if now - self._last_line >= _LINE_EVERY and self._pairs < of:
            self._last_line = now
            self._console.print(
                f"  {self._label}: {self._pairs:,} of {of:,} pairs rescored", highlight=False, markup=False
            )

    def finish(self, label: str, result: SubsetResult) -> None:
        """One line for a finished subset."""
        self._finished += 1
        if result.status == "failed":
            self._console.print(f"  [red]{escape(label)} failed[/]: {escape(str(result.error))}", highlight=False)
            return
        first = next(iter(result.metrics.items()), None)
        score = f"{first[0]} {100 * first[1]:.1f}" if first else ""
        self._console.print(f"  [{self._finished}/{self._subsets}] {label}  {score}", highlight=False, markup=False)

    def end(self) -> None:
        """Remove the bar."""
        if self._progress:
            self._progress.stop()
            self._progress = None


class ReadingProgress:
    """Tells a person of corpora that are read or fetched, when that takes more than a moment."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar over `total` bytes on a terminal, a line every now and then elsewhere."""
        if self._console.is_terminal:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
            )
            with Progress(*columns, console=self._console, transient=True) as progress:
                bar = progress.add_task(label, total=total)
                yield lambda done: progress.advance(bar, done)
            return
        yield _Lines(self._console, label, total).advance


class _Lines:
    """Progress as lines, the first one after a while."""

    def __init__(self, console: Console, label: str, total: int) -> None:
        self._console, self._label, self._total = console, label, total
        self._done = 0
        self._started = self._last_line = time.monotonic()

    def advance(self, done: int) -> None:
        """So many more bytes are done."""
        self._done += done
        now = time.monotonic()
        if now - self._last_line >= _LINE_EVERY:
            self._last_line = now
            rate = self._done / (now - self._started)
            left = max(0, self._total - self._done) / rate
            self._console.print(
                f"  {self._label}: {self._done / 1e6:,.0f} of {self._total / 1e6:,.0f} MB, {rate / 1e6:,.1f} MB/s, "
                f"about {left:,.0f} s left",
                highlight=False,
                markup=False,
            )
