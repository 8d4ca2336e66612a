"""Progress of long work that is not encoding: converting a corpus, fetching files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Progress(Protocol):
    """Shows how far a piece of work has come."""

    def task(self, label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """A context for work on `total` bytes; it gives the function that is told of every n bytes done."""
        ...


class _Nothing:
    """Progress that is not shown."""

    def task(self, label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """A context in which nothing is shown."""
        return nullcontext(lambda done: None)


NO_PROGRESS: Progress = _Nothing()
