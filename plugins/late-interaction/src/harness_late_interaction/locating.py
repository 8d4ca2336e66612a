"""From a folder or hub id to a folder that is safe to load: its commit and the fingerprint of its files.

Weights are read from safetensors alone. A snapshot is fetched without pickles; in a local folder every pickle must
have safetensors beside it, so that a model never loads without what its authors put into the pickle.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness._util import fingerprint
from harness._util.names import did_you_mean
from harness.errors import UsageError

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.dnn", "*.pkl", "*.pickle")
_OTHER_FRAMEWORKS = ("*.h5", "*.msgpack", "*.ot", "*.onnx", "onnx/*", "openvino/*", "*.tflite", "*.mlmodel", "*.gguf")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
#: Files that decide vectors: weights, configuration, tokenizer.
_DECIDING = (".safetensors", ".json", ".txt", ".model", ".metadata")
#: Folder names that say nothing of the model inside.
_GENERIC = ("model", "checkpoint", "output", "final", "best")


@dataclass(frozen=True)
class Located:
    """A local folder with a model, what to call it, and where it came from (`revision` is None for a folder)."""

    folder: Path
    name: str
    revision: str | None
    fingerprint: str


def locate(model: str, revision: str | None) -> Located:
    """The folder behind `model`: itself, or a snapshot of the hub, fetched or found in the hub's cache.

    Raises UsageError when there is neither, when `revision` is given for a folder, or when weights are pickled.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        if revision is not None:
            raise UsageError(f"{model} is a folder; revision= goes with a hub id")
        folder, commit = path.resolve(), None
        name = folder.parent.name if folder.name in _GENERIC else folder.name
    else:
        folder, commit = _snapshot(model, revision)
        name = model.rpartition("/")[2]
    _refuse_pickles(folder, model)
    files = [p for p in folder.rglob("*") if p.is_file() and p.suffix in _DECIDING and ".cache" not in p.parts]
    return Located(folder, name, commit, fingerprint.of_files(files, folder))


def _snapshot(model: str, revision: str | None) -> tuple[Path, str]:
    """The folder and commit of a hub model."""
    if not _HUB_ID.fullmatch(model):
        parent = Path(model).expanduser().parent
        siblings = [str(parent / p.name) for p in parent.iterdir() if p.is_dir()] if parent.is_dir() else []
        raise UsageError(f"model {model!r} is no folder", did_you_mean(model, siblings))
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        folder = Path(snapshot_download(model, revision=revision, ignore_patterns=[*_PICKLES, *_OTHER_FRAMEWORKS]))
    except GatedRepoError as error:
        raise UsageError(
            f"model {model!r} is gated",
            f"Accept its terms on https://huggingface.co/{model}, then run `hf auth login`.",
        ) from error
    except RevisionNotFoundError as error:
        raise UsageError(f"model {model!r} has no revision {revision!r}") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise UsageError(f"there is no model {model!r} on the hub, nor a folder of that name") from error
    except LocalEntryNotFoundError as error:
        raise UsageError(
            f"model {model!r} is not in the local cache and the hub cannot be reached",
            f"Fetch it where there is a network: `hf download {model}`; or name a local folder.",
        ) from error
    return folder, folder.name


def _refuse_pickles(folder: Path, model: str) -> None:
    for pattern in _PICKLES:
        for pickle in folder.rglob(pattern):
            if not list(pickle.parent.glob("*.safetensors")):
                raise UsageError(
                    f"model {model!r}: {pickle.relative_to(folder)} is pickled and has no safetensors beside it",
                    "Convert it with safetensors, or ask its authors to; unpickling runs whatever code the file holds.",
                )
    if not list(folder.rglob("*.safetensors")):
        raise UsageError(f"model {model!r} holds no safetensors weights")
