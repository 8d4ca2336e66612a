"""What kind of model a folder holds, by its own account, before it is loaded.

The library loads any transformer as any kind of model and fills in what is missing with random weights. A model whose
head is random scores differently every time it is loaded, and means nothing; such a folder is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.errors import UsageError

#: Which encoder of this plugin loads models that the library saved as the key.
_LOADED_BY = {
    "SentenceTransformer": "sentence-transformers",
    "SparseEncoder": "sparse-encoder",
    "CrossEncoder": "cross-encoder",
}


def require_family(folder: Path, model: str, family: str, *heads: str) -> None:
    """Raise UsageError unless `folder` holds a `family` model ("SparseEncoder", "CrossEncoder") with its head.

    A folder that the library saved says its family in `config_sentence_transformers.json`. A plain transformer must
    have an architecture that ends in one of `heads` ("ForMaskedLM"). `model` is what the user called it.
    """
    if (folder / "modules.json").is_file():
        saved = _read(folder / "config_sentence_transformers.json").get("model_type", "SentenceTransformer")
        if saved != family:
            other = _LOADED_BY.get(saved)
            raise UsageError(
                f"model {model!r} was saved as a {saved}, not as a {family}", other and f"Use the encoder {other}."
            )
        return
    architectures = [str(name) for name in _read(folder / "config.json").get("architectures") or ()]
    if not any(name.endswith(heads) for name in architectures):
        found = ", ".join(architectures) or "no architecture"
        raise UsageError(
            f"model {model!r} is no {family}: its config.json names {found}, not a model {' or '.join(heads)}",
            "Its head would be made up of random weights.",
        )


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is no such file, UsageError where it is something else."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise UsageError(f"{path} holds no JSON object")
    return value
