"""Local folders: which kind of model lies in one, and whether it may be loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from harness.errors import UsageError

Kind = Literal["SentenceTransformer", "CrossEncoder", "SparseEncoder", "MultiVectorEncoder"]

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")
#: Files that determine vectors: weights, configuration, tokenizer, and code where a model ships some.
_DETERMINING = (".safetensors", ".json", ".txt", ".model", ".py")
#: Folder names that say nothing about the model inside.
_GENERIC = ("model", "checkpoint", "output", "final", "best")
#: Names that `config_sentence_transformers.json` may give; PyLate wrote the second.
_TYPES: dict[str, Kind] = {
    "SentenceTransformer": "SentenceTransformer",
    "ColBERT": "MultiVectorEncoder",
    "MultiVectorEncoder": "MultiVectorEncoder",
    "CrossEncoder": "CrossEncoder",
    "SparseEncoder": "SparseEncoder",
}


def kind_of(folder: Path) -> Kind:
    """What the configuration in `folder` says it holds, by the rules mteb has for models of the hub."""
    named = _read(folder / "config_sentence_transformers.json").get("model_type")
    if named in _TYPES:
        return _TYPES[named]
    modules = folder / "modules.json"
    if modules.is_file():
        return "SparseEncoder" if "sparse_encoder" in modules.read_text("utf-8") else "SentenceTransformer"
    architectures = _read(folder / "config.json").get("architectures") or []
    classifies = any(str(name).endswith("ForSequenceClassification") for name in architectures)
    return "CrossEncoder" if classifies else "SentenceTransformer"


def label_of(folder: Path) -> str:
    """The folder's own name, or its parent's where its own says nothing."""
    return folder.parent.name if folder.name in _GENERIC else folder.name


def determining_files(folder: Path) -> list[Path]:
    """The files whose content determines what the model computes."""
    return [p for p in folder.rglob("*") if p.is_file() and p.suffix in _DETERMINING and ".cache" not in p.parts]


def refuse_pickles(folder: Path) -> None:
    """Raise UsageError where weights are pickled without safetensors beside them, or where there are none at all."""
    for pickle in sorted(p for pattern in _PICKLES for p in folder.rglob(pattern)):
        if not list(pickle.parent.glob("*.safetensors")):
            raise UsageError(
                f"model {folder}: {pickle.relative_to(folder)} is pickled and has no safetensors beside it",
                "Convert it with safetensors, or ask its authors to; unpickling runs whatever code the file holds.",
            )
    if not list(folder.rglob("*.safetensors")):
        raise UsageError(f"model {folder} holds no safetensors weights")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}
