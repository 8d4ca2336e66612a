"""From a folder or hub id to a local folder that is safe to load: its name, its commit and its fingerprint.

For plugins whose users name a model. Weights come from safetensors alone: unpickling runs whatever code a file holds. A
hub snapshot is fetched without pickles, so there is nothing that could be loaded by mistake; in a local folder every
pickle must have safetensors beside it, so that no model loads without what its authors put into the pickle. Networks
of other runtimes are left where they are, too, unless a caller names them.

Nothing heavy is imported, and `huggingface_hub` only for a hub id: a plugin that takes those depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness._util import fingerprint
from harness._util.names import did_you_mean
from harness.errors import UsageError
from harness.plugins.requirements import require

__all__ = [
    "PICKLES",
    "Weights",
    "determining_files",
    "fetch",
    "is_commit",
    "label_of",
    "locate",
    "require_hub_id",
    "require_safetensors",
]

#: Endings of files that hold pickles; `.dnn` is what the first ColBERT code wrote.
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".dnn", ".pkl", ".pickle")
#: Endings of files that determine vectors: weights, configuration, tokenizer, and code where a model ships some.
_DETERMINING = (".safetensors", ".json", ".txt", ".model", ".metadata", ".py")
_OTHER_RUNTIMES = ("*.h5", "*.msgpack", "*.ot", "*.onnx", "onnx/*", "openvino/*", "*.tflite", "*.mlmodel", "*.gguf")
#: Folder names that say nothing about the model inside.
_GENERIC = ("model", "checkpoint", "output", "final", "best")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True)
class Weights:
    """A local folder with a model, and where it came from."""

    folder: Path
    """An absolute path."""
    name: str
    """What to call the model: `EncoderInfo.name` where the user gave none."""
    revision: str | None
    """The commit of a hub model, or what the user gave beside a folder with code; None for any other folder."""
    fingerprint: str
    """SHA-256 over the names and bytes of `determining_files`, 64 hexadecimal digits."""


def locate(
    model: str, revision: str | None = None, *, trust_remote_code: bool = False, also: Sequence[str] = ()
) -> Weights:
    """The folder behind `model`: itself, or a snapshot of the hub, which is fetched or found in the hub's cache.

    `revision` is a branch, tag or commit of a hub id. `also` are patterns of files to fetch besides what every model
    needs ("onnx/model.onnx"); they are no part of the fingerprint.

    Raises UsageError when there is no such folder or model, when it is gated, or absent from the cache without a
    network, when `revision` is given for a folder, when weights exist as pickles only or not at all, and when remote
    code is asked for without a commit.
    """
    if trust_remote_code and (revision is None or not is_commit(revision)):
        raise UsageError(
            "trust_remote_code=true needs revision=<40-digit commit>",
            "Code that was read at one commit may be different at the next.",
        )
    path = Path(model).expanduser()
    if path.is_dir():
        if revision is not None and not trust_remote_code:
            raise UsageError(f"{model} is a folder; revision= goes with a hub id")
        folder, name, commit = path.resolve(), label_of(path.resolve()), revision
    else:
        folder = fetch(model, revision, leave=[*(f"*{ending}" for ending in PICKLES), *_OTHER_RUNTIMES])
        name, commit = model.rpartition("/")[2], folder.name
        if also:  # a call of its own: what is left out above cannot be asked for there
            fetch(model, commit, only=also)
    require_safetensors(folder, model)
    return Weights(folder, name, commit, fingerprint.of_files(determining_files(folder), folder))


def fetch(
    model: str, revision: str | None = None, *, only: Sequence[str] | None = None, leave: Sequence[str] = ()
) -> Path:
    """The snapshot of a hub id, a folder that is named by its commit: fetched, or found in the hub's cache.

    `only` and `leave` are patterns of files to take and to leave; by default all are taken, pickles too. Raises
    UsageError for what is no hub id, is not there, is gated, cannot be reached, or for a missing `huggingface_hub`.
    """
    require_hub_id(model)
    require(f"the hub's model {model!r}", "huggingface_hub>=0.34")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    patterns = {"allow_patterns": None if only is None else list(only), "ignore_patterns": list(leave) or None}
    try:
        return Path(snapshot_download(model, revision=revision, **patterns))
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
        at = "" if revision is None else f" at {revision}"
        option = "" if revision is None else f" --revision {revision}"
        raise UsageError(
            f"model {model!r}{at} is not in the local cache and the hub cannot be reached",
            f"Fetch it where there is a network: `hf download {model}{option}`; or name a local folder.",
        ) from error
    except HfHubHTTPError as error:
        raise UsageError(f"model {model!r} cannot be fetched: {error}") from error


def is_commit(revision: str) -> bool:
    """Whether `revision` is a full commit, 40 hexadecimal digits: branches and tags move."""
    return _COMMIT.fullmatch(revision) is not None


def require_hub_id(model: str) -> None:
    """Raise UsageError where `model` cannot be a hub id: a folder was meant, and the nearest one is suggested."""
    if _HUB_ID.fullmatch(model):
        return
    parent = Path(model).expanduser().parent
    beside = [str(parent / path.name) for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
    raise UsageError(f"model {model!r} is no folder", did_you_mean(model, beside, few=0))


def require_safetensors(folder: Path, model: str) -> None:
    """Raise UsageError where weights are pickled without safetensors in the same folder, or where there are none.

    `folder` is looked through with all below it; `model` is what the user called it.
    """
    for pickle in sorted(path for path in folder.rglob("*") if path.suffix in PICKLES):
        if pickle.name.startswith("openvino_") and pickle.with_suffix(".xml").is_file():
            continue  # OpenVINO's weights: raw numbers, which nothing here would unpickle
        if not any(pickle.parent.glob("*.safetensors")):
            raise UsageError(
                f"model {model!r}: {pickle.relative_to(folder)} is pickled and has no safetensors beside it",
                "Convert it with safetensors, or ask its authors to; unpickling runs whatever code the file holds.",
            )
    if not any(folder.rglob("*.safetensors")):
        raise UsageError(f"model {model!r} holds no safetensors weights", "Copy the whole folder of the model.")


def determining_files(folder: Path, *more: str) -> list[Path]:
    """The files in `folder` and below whose content determines what the model computes; `more` are further endings.

    What the hub's client keeps in `.cache` inside the folder is no part of the model.
    """
    endings = (*_DETERMINING, *more)
    return [
        path
        for path in folder.rglob("*")
        # only below the folder: the hub's own cache is in ~/.cache, and every model in it would look empty
        if path.suffix in endings and path.is_file() and ".cache" not in path.relative_to(folder).parts
    ]


def label_of(folder: Path) -> str:
    """What to call the model in `folder`: the folder's own name, or its parent's where its own says nothing."""
    return folder.parent.name if folder.name in _GENERIC else folder.name
