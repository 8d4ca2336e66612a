"""Local folders: which kind of model lies in one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from harness.errors import UsageError

Kind = Literal["SentenceTransformer", "CrossEncoder", "SparseEncoder", "MultiVectorEncoder"]

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


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}
