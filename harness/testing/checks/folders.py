"""Model folders on the disk: finding the one an encoder was given, and copies of it with other weights."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.testing.checks.model import Skip
from harness.testing.checks.subject import Subject

#: safetensors' names of the floating types that numpy has, and the type to read them as.
_FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_CHUNK = 1 << 20


@contextmanager
def copied_model(subject: Subject) -> Iterator[tuple[str, Path]]:
    """(option, copy): the option of `subject` that names a folder with safetensors, and a copy of that folder.

    Files are linked where the file system allows it, so replace them and never write into them. Raises Skip where no
    option names such a folder.
    """
    for option, value in _values(subject).items():
        folder = Path(value).expanduser() if isinstance(value, (str, os.PathLike)) and str(value) else None
        if folder is not None and folder.is_dir() and weights_of(folder):
            with TemporaryDirectory(prefix="harness-check-") as root:
                copy = Path(root) / folder.resolve().name
                shutil.copytree(folder, copy, copy_function=_link)
                yield option, copy
            return
    raise Skip("no option names a local folder with safetensors weights")


def weights_of(folder: Path) -> list[Path]:
    """The safetensors files below `folder`, largest first."""
    found = [path for path in folder.rglob("*.safetensors") if path.is_file()]
    return sorted(found, key=lambda path: (-path.stat().st_size, path))


def nudge(path: Path) -> int:
    """Change every floating tensor of a safetensors file a little, in a file of its own; how many there are.

    Value i is multiplied by 1 + sin(i) / 4: neither a scale nor a shift, which a normalisation would undo.
    """
    copy = path.with_name(path.name + ".nudged")
    shutil.copyfile(path, copy)
    copy.replace(path)
    path.chmod(0o600)
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(length))
    count = 0
    for name, facts in header.items():
        start, end = facts.get("data_offsets", (0, 0)) if name != "__metadata__" else (0, 0)
        if end > start and facts["dtype"] in _FLOATS:
            dtype = np.dtype(_FLOATS[facts["dtype"]])
            size = (end - start) // dtype.itemsize
            _nudge(np.memmap(path, dtype, "r+", offset=8 + length + start, shape=(size,)), facts["dtype"] == "BF16")
            count += 1
    return count


def _nudge(values: NDArray[Any], brain: bool) -> None:
    for start in range(0, len(values), _CHUNK):
        part = np.array(values[start : start + _CHUNK])
        numbers = (part.astype(np.uint32) << 16).view(np.float32) if brain else part
        changed = numbers * (1 + np.sin(np.arange(start, start + len(part))) / 4)
        if brain:
            values[start : start + len(part)] = (changed.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        else:
            values[start : start + len(part)] = changed.astype(part.dtype)


def replace_by_pickles(folder: Path, trace: Path) -> None:
    """Replace the safetensors below `folder` by pickles whose loading creates the file `trace`.

    The pickle is written by hand: it calls `open(trace, "w")`, as a hostile one would call something worse.
    """
    opcodes = f"cbuiltins\nopen\n(V{trace}\nVw\ntR.".encode("raw_unicode_escape")
    for path in weights_of(folder):
        name = "pytorch_model.bin" if path.name == "model.safetensors" else f"{path.stem}.bin"
        path.with_name(name).unlink(missing_ok=True)
        path.with_name(name).write_bytes(opcodes)
        path.unlink()
    for index in folder.rglob("*.safetensors.index.json"):
        index.unlink()


def _values(subject: Subject) -> dict[str, Any]:
    """Options as they are in force, defaults included."""
    options = subject.checked_options
    return {name: getattr(options, name) for name in type(options).model_fields}


def _link(source: str, target: str) -> None:
    try:
        os.link(os.path.realpath(source), target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
