"""From a folder or hub id to a local folder that is safe to load, and its fingerprint.

Weights come from safetensors files only. A hub snapshot is fetched without its pickled files, so there is nothing
that could be loaded by mistake; a local folder must hold a safetensors file for every pickled one. Networks in other
formats are left where they are, too, unless a caller names them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness._util import fingerprint
from harness._util.names import did_you_mean
from harness.errors import UsageError

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")
_OTHER_FRAMEWORKS = ("*.h5", "*.msgpack", "*.ot", "*.onnx", "onnx/*", "openvino/*", "*.tflite", "*.mlmodel")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")

#: Folder names that say nothing about the model inside.
_GENERIC = ("model", "checkpoint", "output", "final", "best")
#: Files that determine vectors: weights, configuration, tokenizer, and code where a model ships some.
_DETERMINING = (".safetensors", ".json", ".txt", ".model", ".py")


@dataclass(frozen=True)
class Weights:
    """A local folder with a model, and where it came from."""

    folder: Path
    name: str
    revision: str | None
    fingerprint: str


def locate(model: str, revision: str | None, *, trust_remote_code: bool, also: tuple[str, ...] = ()) -> Weights:
    """The folder behind `model`, fetched from the hub if it is no local one.

    `also` are patterns of files to fetch besides what every model needs; they are no part of the fingerprint.

    Raises UsageError when there is no such folder or model, when weights exist as pickles only, or when remote code
    is asked for without a commit.
    """
    if trust_remote_code and (revision is None or not _COMMIT.fullmatch(revision)):
        raise UsageError(
            "trust_remote_code=true needs revision=<40-digit commit>",
            "Code that was read at one commit may be different at the next.",
        )
    path = Path(model).expanduser()
    if path.is_dir():
        if revision is not None and not trust_remote_code:
            raise UsageError(f"{model} is a folder; revision= goes with a hub id")
        folder, name, commit = path.resolve(), _folder_name(path.resolve()), revision
    else:
        folder, commit = _snapshot(model, revision, also)
        name = model.rpartition("/")[2]
    _refuse_pickles(folder, model)
    files = [p for p in folder.rglob("*") if p.is_file() and p.suffix in _DETERMINING and ".cache" not in p.parts]
    return Weights(folder, name, commit, fingerprint.of_files(files, folder))


def _folder_name(folder: Path) -> str:
    """The folder's own name, or its parent's where its own says nothing."""
    return folder.parent.name if folder.name in _GENERIC else folder.name


def _snapshot(model: str, revision: str | None, also: tuple[str, ...]) -> tuple[Path, str]:
    """Fetch a hub model, or find it in the cache when offline; returns its folder and commit."""
    if not _HUB_ID.fullmatch(model) or model.startswith(("./", "../", "/", "~")):
        parent = Path(model).expanduser().parent
        siblings = [str(parent / p.name) for p in parent.iterdir() if p.is_dir()] if parent.is_dir() else []
        raise UsageError(f"model {model!r} is no folder", did_you_mean(model, siblings))
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        folder = Path(snapshot_download(model, revision=revision, ignore_patterns=[*_PICKLES, *_OTHER_FRAMEWORKS]))
        if also:  # a call of its own: what is ignored above cannot be allowed there
            snapshot_download(model, revision=folder.name, allow_patterns=list(also))
    except GatedRepoError as error:
        raise UsageError(
            f"model {model!r} is gated",
            f"Accept its terms on https://huggingface.co/{model}, then run `hf auth login`.",
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise UsageError(f"there is no model {model!r} on the hub, nor a folder of that name") from error
    except LocalEntryNotFoundError as error:
        raise UsageError(
            f"model {model!r} is not in the local cache and the hub cannot be reached",
            f"Fetch it where there is a network: `hf download {model}`; or name a local folder.",
        ) from error
    return folder, folder.name


def _refuse_pickles(folder: Path, model: str) -> None:
    """Every folder inside the model that holds pickled weights must hold safetensors too, and some must exist."""
    for pickle in (p for pattern in _PICKLES for p in folder.rglob(pattern)):
        if pickle.name.startswith("openvino_") and pickle.with_suffix(".xml").is_file():
            continue  # OpenVINO's weights: raw numbers, which nothing here would unpickle
        if not list(pickle.parent.glob("*.safetensors")):
            raise UsageError(
                f"model {model!r}: {pickle.relative_to(folder)} is pickled and has no safetensors beside it",
                "Convert it with safetensors, or ask its authors to; unpickling runs whatever code the file holds.",
            )
    if not list(folder.rglob("*.safetensors")):
        raise UsageError(f"model {model!r} holds no safetensors weights")
