"""Progress of a run on stderr: a bar with rate and time left on a terminal, a line for each subset elsewhere."""

from __future__ import annotations

import time

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
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
