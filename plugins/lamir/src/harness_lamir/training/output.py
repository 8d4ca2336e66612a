"""The output folder: whole or not there, and never written over unasked."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from harness._util.atomic import sync, umask
from harness.errors import HarnessError, UsageError

__all__ = ["check_output", "draft_of"]


#: A folder without any of these is not what a run has written, whatever it holds.
_OF_A_MODEL = ("recipe.json", "config.json", "modules.json")


def check_output(output: Path, overwrite: bool) -> None:
    """Raise UsageError for an output folder that must not be replaced, or cannot be made."""
    if output.name in ("", ".."):  # it appears by a rename, which needs a name
        raise UsageError(f"output {output}: names no folder of its own", hint="Name one, as in --output model.")
    parent = next(folder for folder in output.absolute().parents if folder.exists())
    if not (parent.is_dir() and os.access(parent, os.W_OK | os.X_OK)):
        raise UsageError(f"output {output}: nothing can be written in {parent}", hint="Name another --output DIR.")
    if output.exists() and not output.is_dir():
        raise UsageError(f"output {output}: is a file", hint="Name a folder.")
    if not output.is_dir() or not any(output.iterdir()):
        return
    if not overwrite:
        raise UsageError(
            f"output {output}: the folder is not empty",
            hint="Name another one with --output DIR, or replace it with --overwrite.",
        )
    if not any((output / name).is_file() for name in _OF_A_MODEL):  # --overwrite is no leave to delete a home folder
        raise UsageError(
            f"output {output}: the folder is not empty, and holds no model that could be replaced",
            hint="Name another one with --output DIR.",
        )


@contextmanager
def draft_of(output: Path) -> Iterator[Path]:
    """Give a folder to write into; if that succeeds, put it in the place of `output`, and otherwise remove it.

    Raises:
        HarnessError: something cannot be written or renamed.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    try:
        yield draft
        hidden = umask()
        for path in (*draft.rglob("*"), draft):  # mkdtemp and safetensors make what only the owner may read
            path.chmod((0o777 if path.is_dir() else 0o666) & ~hidden)
            sync(path)
        _replace(output, draft)
        sync(output.parent)
    except (OSError, SafetensorError) as error:
        raise HarnessError(f"output {output}: cannot be written ({error})", hint="Is the disk full?") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _replace(output: Path, draft: Path) -> None:
    """Rename `draft` to `output`; what was there is moved aside first, and back if that fails or is interrupted."""
    if not output.exists():
        draft.rename(output)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{output.name}.old.", dir=output.parent))
    old = aside / "old"
    try:
        output.rename(old)
        draft.rename(output)
    except BaseException:
        if old.exists() and not output.exists():
            old.rename(output)
        raise
    finally:
        if output.exists():  # else `old` is all that is left
            shutil.rmtree(aside, ignore_errors=True)
