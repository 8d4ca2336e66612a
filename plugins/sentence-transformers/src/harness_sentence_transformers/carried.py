"""Networks that a model folder carries beside its weights, where the hub's convention has them.

`onnx/model.onnx` (its larger tensors in files beside it) and `openvino/openvino_model.xml` with its `.bin`. Neither is
a pickle and neither holds code, but an ONNX file may name any file of the machine as the place of its tensors, and the
runtimes follow it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from harness._util import fingerprint
from harness.errors import UsageError

#: What to fetch of a hub repository for each backend, besides what every backend needs.
PATTERNS: dict[str, tuple[str, ...]] = {
    "torch": (),
    "onnx": ("onnx/model.onnx", "onnx/model.onnx_data*", "onnx/model.onnx.data"),
    "openvino": ("openvino/openvino_model.xml", "openvino/openvino_model.bin"),
}


@dataclass(frozen=True)
class Carried:
    """The file a runtime reads, and the SHA-256 of all that belongs to it."""

    path: Path
    fingerprint: str


def find(folder: Path, backend: str) -> Carried | None:
    """The network for `backend` in a model's folder, None where it carries none.

    Raises UsageError when it is no ONNX file, keeps tensors outside its own folder, or lacks a part.
    """
    if backend == "onnx" and (path := folder / "onnx" / "model.onnx").is_file():
        parts = [path, *(path.parent / location for location in _locations(path))]
    elif backend == "openvino" and (path := folder / "openvino" / "openvino_model.xml").is_file():
        parts = [path, path.with_suffix(".bin")]
    else:
        return None
    if missing := [part.relative_to(folder) for part in parts if not part.is_file()]:
        raise UsageError(f"{path} needs {missing[0]}, which is not there", "Fetch the model again.")
    return Carried(path, fingerprint.of_files(parts, folder))


def _locations(path: Path) -> list[str]:
    """Names of the files that hold an ONNX file's external tensors, each checked to lie in its folder."""
    import onnx

    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf's own, which this plugin does not depend on by itself
        raise UsageError(f"{path} is no ONNX file: {error}") from error
    locations = set()
    for tensor in _tensors(model):
        for entry in tensor.external_data:
            if entry.key != "location":
                continue
            # Windows' rules too: a drive letter or a backslash means nothing good wherever this runs.
            windows, posix = PureWindowsPath(entry.value), PurePosixPath(entry.value)
            if windows.drive or windows.root or posix.is_absolute() or ".." in windows.parts or not entry.value:
                raise UsageError(
                    f"{path}: tensor {tensor.name!r} is kept in {entry.value!r}, outside the folder of the file",
                    "A model has no business there; use backend=torch, or ask its authors.",
                )
            locations.add(entry.value)
    return sorted(locations)


def _tensors(message: Any) -> Iterator[Any]:
    """Every TensorProto anywhere in a protobuf message: initialisers, attributes, subgraphs, functions."""
    if message.DESCRIPTOR.name == "TensorProto":
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if not hasattr(value, "DESCRIPTOR") else (value,):
                yield from _tensors(part)
