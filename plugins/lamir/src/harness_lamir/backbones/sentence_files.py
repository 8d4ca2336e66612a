"""The JSON files by which sentence-transformers knows a model, written and read without that library.

`modules.json` lists the modules in the order in which a text passes through them, each with the class that implements
it and the folder of its own configuration; `config_sentence_transformers.json` holds the prompts. The class names are
those of versions 2 to 5, which later ones resolve too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness._util.atomic import write_text
from harness.encoders.protocols import Role
from harness.errors import UsageError

__all__ = [
    "DENSE",
    "NORMALIZE",
    "POOLING",
    "STATIC",
    "TRANSFORMER",
    "SentenceModel",
    "read_json",
    "read_sentence_files",
    "write_json",
    "write_pooling",
    "write_sentence_files",
]

TRANSFORMER = "sentence_transformers.models.Transformer"
POOLING = "sentence_transformers.models.Pooling"
NORMALIZE = "sentence_transformers.models.Normalize"
DENSE = "sentence_transformers.models.Dense"
STATIC = "sentence_transformers.models.StaticEmbedding"

#: Names under which models keep the prompt of each role. `encode_document` looks for "document".
_PROMPT_NAMES: Mapping[Role, tuple[str, ...]] = {"query": ("query",), "passage": ("passage", "document", "corpus")}
_POOLING_KEYS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


@dataclass(frozen=True)
class SentenceModel:
    """What the files of a folder say.

    Attributes:
        folder: where the first module keeps weights, vocabulary and configuration.
        pooling: mean over tokens, or the first token.
        max_tokens: length at which texts are cut; None where the files do not say.
        lowercase: whether texts are lowercased before they are tokenized.
        prompts: text put before every input of a role.
        dense: the folders of the dense layers that follow pooling, in their order.
    """

    folder: Path
    pooling: Literal["mean", "cls"] = "mean"
    max_tokens: int | None = None
    lowercase: bool = False
    prompts: Mapping[Role, str] | None = None
    dense: tuple[Path, ...] = ()


def read_json(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON file, an empty one where there is no file; raises UsageError on anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: expected a mapping, found {type(content).__name__}")
    return content


def write_json(path: Path, content: object) -> None:
    """Write indented JSON, atomically; a missing folder is made."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_sentence_files(folder: Path, *, first: str = "Transformer") -> SentenceModel:
    """Read the files of a folder; one without any is a plain transformer with mean pooling.

    Args:
        folder: the folder of the model.
        first: the class that the first module must have, without its package.

    Raises:
        UsageError: a file is malformed, or names a module or a pooling that is not supported.
    """
    path = folder / "modules.json"
    prompts = _prompts(read_json(folder / "config_sentence_transformers.json"))
    if not path.is_file():
        return SentenceModel(folder, prompts=prompts)
    try:
        modules = [(str(module["type"]).rpartition(".")[2], folder / module["path"]) for module in _list(path)]
    except (KeyError, TypeError) as error:
        raise UsageError(f"{path}: expected a list of modules, each with type and path ({error!r})") from error
    if not modules or modules[0][0] != first:
        raise UsageError(f"{path}: the first module is no {first}", hint="Only text encoders are supported.")
    pooling: Literal["mean", "cls"] = "mean"
    dense: list[Path] = []
    for name, where in modules[1:]:
        if name == "Pooling":
            pooling = _pooling(where / "config.json")
        elif name == "Dense":
            dense.append(where)
        elif name not in ("Normalize", "Dropout"):
            raise UsageError(
                f"{path}: module {name} is not supported",
                hint="Supported are Transformer, Pooling, Dense, Dropout and Normalize.",
            )
    if first != "Transformer" and len(modules) > 1 + sum(name == "Normalize" for name, _ in modules):
        raise UsageError(f"{path}: only Normalize may follow {first}")
    config = read_json(modules[0][1] / "sentence_bert_config.json")
    length = config.get("max_seq_length")
    return SentenceModel(
        modules[0][1],
        pooling,
        max_tokens=int(length) if length is not None else None,
        lowercase=bool(config.get("do_lower_case", False)),
        prompts=prompts,
        dense=tuple(dense),
    )


def write_sentence_files(folder: Path, modules: Sequence[tuple[str, str]], *, prompts: Mapping[Role, str]) -> None:
    """Write `modules.json` and `config_sentence_transformers.json`.

    Args:
        folder: where to; it exists.
        modules: class name and folder (relative, posix, "" for the folder itself) of each module, in order.
        prompts: text put before every input of a role.
    """
    listed = [{"idx": i, "name": str(i), "path": path, "type": name} for i, (name, path) in enumerate(modules)]
    write_json(folder / "modules.json", listed)
    named = {name: prompts.get(role, "") for role, names in _PROMPT_NAMES.items() for name in names[:2]}
    content = {"prompts": named, "default_prompt_name": None, "similarity_fn_name": "cosine"}
    write_json(folder / "config_sentence_transformers.json", content)
    for name, path in modules:
        if name == NORMALIZE:
            write_json(folder / path / "config.json", {})  # nothing to say, but version control drops empty folders


def write_pooling(folder: Path, dim: int, pooling: Literal["mean", "cls"]) -> None:
    """Write the configuration of the pooling module, in the form that every version reads."""
    modes = {key: name == pooling for key, name in _POOLING_KEYS.items()}
    others = {"pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False}
    write_json(folder / "config.json", {"word_embedding_dimension": dim, **modes, **others, "include_prompt": True})


def _list(path: Path) -> list[Any]:
    """Return the list in a JSON file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: is not JSON ({error})") from error
    if not isinstance(content, list):
        raise UsageError(f"{path}: expected a list of modules, found {type(content).__name__}")
    return content


def _prompts(config: Mapping[str, Any]) -> dict[Role, str]:
    """Return the prompt of each role that has one, `default_prompt_name` standing in where a role has none."""
    own = config.get("prompts") or {}
    default = own.get(config.get("default_prompt_name"), "")
    found: dict[Role, str] = {}
    for role, names in _PROMPT_NAMES.items():
        prompt = next((own[name] for name in names if own.get(name)), default)
        if prompt:
            found[role] = prompt
    return found


def _pooling(path: Path) -> Literal["mean", "cls"]:
    """Return the one pooling of a module's configuration, in its old or its new form."""
    config = read_json(path)
    if "pooling_mode" in config:
        mode = config["pooling_mode"]
        modes = [mode] if isinstance(mode, str) else list(mode)
    else:
        modes = [
            _POOLING_KEYS.get(key, key) for key, value in config.items() if key.startswith("pooling_mode_") and value
        ]
    if modes == ["mean"]:
        return "mean"
    if modes == ["cls"]:
        return "cls"
    raise UsageError(f"{path}: pooling {modes} is not supported", hint="Supported are mean and cls.")
