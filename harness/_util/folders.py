"""Where the harness keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root(named: Path | None) -> Path:
    """The cache folder: the one that was named, else $HARNESS_CACHE, else the user's cache folder."""
    if named is not None:
        return named
    if variable := os.environ.get("HARNESS_CACHE"):
        return Path(variable).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("lamir-harness", appauthor=False))
