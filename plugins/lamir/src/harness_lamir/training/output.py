"""The output folder: whole or not there, and never written over unasked."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import UsageError

__all__ = ["check_output", "draft_of"]


def check_output(output: Path, overwrite: bool) -> None:
    """Raise UsageError for an output folder that must not be replaced."""
    if output.exists() and not output.is_dir():
        raise UsageError(f"output {output}: is a file", hint="Name a folder.")
    if output.is_dir() and any(output.iterdir()) and not overwrite:
        raise UsageError(
            f"output {output}: the folder is not empty",
            hint="Name another one with --output DIR, or replace it with --overwrite.",
        )


@contextmanager
def draft_of(output: Path) -> Iterator[Path]:
    """Give a folder to write into; if that succeeds, put it in the place of `output`, and otherwise remove it."""
    output.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    try:
        yield draft
        draft.chmod(0o755)  # mkdtemp keeps it to the user
        for path in draft.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)  # safetensors writes files that only their owner may read
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
        _replace(output, draft)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _replace(output: Path, draft: Path) -> None:
    """Rename `draft` to `output`; what was there is moved aside first, and back if that fails."""
    if not output.exists():
        draft.rename(output)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{output.name}.old.", dir=output.parent))
    output.rename(aside / "old")
    try:
        draft.rename(output)
    except OSError:
        (aside / "old").rename(output)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
