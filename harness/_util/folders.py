"""Where the harness keeps what it can make again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_RUNNING: ContextVar[Path | None] = ContextVar("cache folder of the run", default=None)


def cache_root(named: Path | None = None) -> Path:
    """The cache folder: the one that is named, else that of the run under way, $HARNESS_CACHE, or the user's."""
    if (folder := named or _RUNNING.get()) is not None:
        return folder
    if variable := os.environ.get("HARNESS_CACHE"):
        return Path(variable).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("lamir-harness", appauthor=False))


@contextmanager
def cache_at(folder: Path | None) -> Iterator[None]:
    """Make `folder` the cache of everything inside, plugins included; None changes nothing."""
    token = _RUNNING.set(folder or _RUNNING.get())
    try:
        yield
    finally:
        _RUNNING.reset(token)
