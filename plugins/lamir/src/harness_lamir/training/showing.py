"""What a person sees while a run goes on: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness_lamir.recipe import Recipe
from harness_lamir.training.reporting import Reporter, Step
from harness_lamir.training.state import Scored

__all__ = ["Display"]

_LINE_EVERY = 20.0  # seconds between lines where nobody watches a terminal


class Display:
    """Shows losses, rate and time left; a context.

    Args:
        console: where to; standard error.
        recipe: the run.
    """

    def __init__(self, console: Console, recipe: Recipe) -> None:
        self._console = console
        self._steps = recipe.steps
        self._first = 0
        self._started = self._last_line = time.monotonic()
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}", style="dim"),
                TimeRemainingColumn(),
                console=console,
            )
            self._task = self._bar.add_task("preparing", total=recipe.steps, rate="")

    def __enter__(self) -> Self:
        """Start the bar."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the bar."""
        if self._bar is not None:
            self._bar.stop()

    def reporter(self) -> Reporter:
        """What the trainer calls."""
        return Reporter(stage=self._stage, step=self._step, scored=self._scored, resumed=self._resumed)

    def _stage(self, name: str) -> None:
        self._started = time.monotonic()  # the last stage before the first step is training
        if self._bar is not None:
            self._bar.update(self._task, description=name)
        else:
            self.say(name)

    def _resumed(self, step: int) -> None:
        self._first = step
        self.say(f"going on after step {step:,}, where the run was interrupted")
        if self._bar is not None:
            self._bar.update(self._task, completed=step)

    def _step(self, done: Step) -> None:
        losses = " ".join(f"{name} {value:.3f}" for name, value in done.losses.items())
        now = time.monotonic()
        speed = (done.number - self._first) / max(now - self._started, 1e-9)
        rate = f"{speed:.1f} steps/s" if speed >= 1 else f"{1 / speed:.1f} s/step"
        if self._bar is not None:
            self._bar.update(self._task, completed=done.number, description=losses, rate=rate)
        elif now - self._last_line >= _LINE_EVERY or done.number in (self._first + 1, self._steps):
            self._last_line = now
            left = (self._steps - done.number) / speed
            rest = f", about {left:,.0f} s left" if done.number < self._steps else ""
            self.say(f"step {done.number:,}/{self._steps:,}: {losses}, {rate}{rest}")

    def _scored(self, scored: Scored) -> None:
        count, subsets = len(scored.subsets), "subset" if len(scored.subsets) == 1 else "subsets"
        self.say(f"evaluation after step {scored.step:,}: mean {scored.mean:.4f} of {count} {subsets}")

    def say(self, line: str) -> None:
        """Print a line."""
        self._console.print(line, highlight=False, markup=False)
