"""What a folder says about itself: where the encoder is, how token states are projected, how texts become tokens.

Three kinds are told apart by their files:

- `colbert`: Stanford ColBERT and ColBERT-XM. The encoder's weights with `linear.weight` (dim × hidden) beside them,
  and `artifact.metadata` with lengths, markers and what to mask.
- `pylate`: PyLate in the layout of sentence-transformers. `modules.json` lists a Transformer and Dense modules, and
  `config_sentence_transformers.json` holds prefixes and lengths.
- `plain`: any other encoder. Its token states are matched as they are, which it was not trained for.
"""

from __future__ import annotations

import json
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open

from harness.errors import UsageError

Kind = Literal["colbert", "pylate", "plain"]

#: Modules of sentence-transformers by the last part of their type.
_TRANSFORMER, _DENSE, _POOLING = "Transformer", "Dense", "Pooling"
#: Modules that change nothing here: token vectors are normalised anyway.
_WITHOUT_EFFECT = ("Normalize",)
#: Keys of `config_sentence_transformers.json` that only late interaction has.
_PYLATE_KEYS = ("query_prefix", "document_prefix", "query_length", "document_length", "do_query_expansion")


@dataclass(frozen=True)
class Markers:
    """The token that stands after the first one: an id, or its text in the vocabulary; None for none."""

    query: str | int | None = None
    passage: str | int | None = None
    #: Take the tokenizer's unknown token for a marker that is not in the vocabulary, as Stanford's code does.
    unknown_allowed: bool = False


@dataclass(frozen=True)
class Projection:
    """One linear map of token states: the safetensors file and the names of its tensors."""

    file: Path
    weight: str = "linear.weight"
    bias: str | None = None
    residual: Literal["none", "identity", "linear"] = "none"


@dataclass(frozen=True)
class Layout:
    """What a folder says about itself. Lengths are in tokens, markers included; None where it does not say."""

    kind: Kind
    encoder: Path
    projections: tuple[Projection, ...] = ()
    markers: Markers = Markers()
    query_length: int | None = None
    passage_length: int | None = None
    expand: bool = False
    attend_to_expansion: bool = False
    #: Words whose token is left out of passages.
    skiplist: tuple[str, ...] = ()
    #: Stanford's code looks a word up by tokenizing it and taking the first token, PyLate's in the vocabulary.
    skip_first_piece: bool = False


def read(folder: Path) -> Layout:
    """The layout of `folder`. Raises UsageError for files that are malformed or say what cannot be done here."""
    modules = _modules(folder)
    encoder = next((folder / m["path"] for m in modules if _type(m) == _TRANSFORMER), folder)
    config = _object(encoder / "config.json")
    metadata = folder / "artifact.metadata"
    if metadata.is_file() or "HF_ColBERT" in (config.get("architectures") or []):
        return _colbert(folder, metadata)
    settings = _object(folder / "config_sentence_transformers.json")
    if any(_type(m) == _DENSE for m in modules) and not any(_type(m) == _POOLING for m in modules):
        return _pylate(folder, encoder, modules, settings)
    if any(key in settings for key in _PYLATE_KEYS):
        raise UsageError(
            f"model {folder}: config_sentence_transformers.json describes late interaction and modules.json lists no "
            "Dense module",
            "Copy the whole folder of the model.",
        )
    length = _positive(_object(encoder / "sentence_bert_config.json"), "max_seq_length", encoder)
    return Layout("plain", encoder, query_length=length, passage_length=length)


def _colbert(folder: Path, file: Path) -> Layout:
    """Stanford's format; what is not said is what ColBERTConfig has by default."""
    said = _object(file)
    for key, wanted in (("similarity", "cosine"), ("interaction", "colbert")):
        if said.get(key, wanted) != wanted:
            raise UsageError(f"{file}: {key} {said[key]!r} is not supported, only {wanted!r}")
    weights = [path for path in sorted(folder.glob("*.safetensors")) if "linear.weight" in _tensors(path)]
    if not weights:
        raise UsageError(f"model {folder}: is in ColBERT's format and its safetensors hold no linear.weight")
    dim = _positive(said, "dim", file)
    rows = _tensors(weights[0])["linear.weight"][0]
    if dim is not None and dim != rows:
        raise UsageError(f"{file}: dim is {dim}, and linear.weight in {weights[0].name} has {rows} rows")
    return Layout(
        "colbert",
        folder,
        (Projection(weights[0]),),
        Markers(
            _marker(said, "query_token_id", "[unused0]", file),
            _marker(said, "doc_token_id", "[unused1]", file),
            unknown_allowed=True,
        ),
        query_length=_positive(said, "query_maxlen", file) or 32,
        passage_length=_positive(said, "doc_maxlen", file) or 220,
        expand=True,
        attend_to_expansion=_flag(said, "attend_to_mask_tokens", False, file),
        skiplist=tuple(string.punctuation) if _flag(said, "mask_punctuation", True, file) else (),
        skip_first_piece=True,
    )


def _pylate(folder: Path, encoder: Path, modules: list[dict[str, Any]], said: dict[str, Any]) -> Layout:
    """PyLate's layout; what is not said is what PyLate has by default."""
    file = folder / "config_sentence_transformers.json"
    unknown = [m["type"] for m in modules if _type(m) not in (_TRANSFORMER, _DENSE, *_WITHOUT_EFFECT)]
    if unknown:
        raise UsageError(f"{folder / 'modules.json'}: modules {', '.join(unknown)} are not supported")
    words = said.get("skiplist_words")
    if words is not None and not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
        raise UsageError(f"{file}: skiplist_words must be a list of strings, not {words!r:.80}")
    return Layout(
        "pylate",
        encoder,
        tuple(_dense(folder / m["path"]) for m in modules if _type(m) == _DENSE),
        Markers(
            _marker(said, "query_prefix", "[Q] ", file) or None, _marker(said, "document_prefix", "[D] ", file) or None
        ),
        query_length=_positive(said, "query_length", file) or 32,
        passage_length=_positive(said, "document_length", file) or 180,
        expand=_flag(said, "do_query_expansion", True, file),
        attend_to_expansion=_flag(said, "attend_to_expansion_tokens", False, file),
        skiplist=tuple(string.punctuation if words is None else words),
    )


def _dense(folder: Path) -> Projection:
    """A Dense module of sentence-transformers, linear as PyLate's are."""
    said, file = _object(folder / "config.json"), folder / "model.safetensors"
    activation = str(said.get("activation_function", "Identity")).rpartition(".")[2]
    if activation != "Identity":
        raise UsageError(f"{folder / 'config.json'}: activation {activation} is not supported, only Identity")
    tensors = _tensors(file)
    if "linear.weight" not in tensors:
        raise UsageError(f"{file}: holds no linear.weight")
    residual: Literal["none", "identity", "linear"] = "none"
    if _flag(said, "use_residual", False, folder / "config.json"):
        residual = "linear" if "residual.weight" in tensors else "identity"
    return Projection(file, bias="linear.bias" if "linear.bias" in tensors else None, residual=residual)


def _modules(folder: Path) -> list[dict[str, Any]]:
    """The modules that modules.json lists, none where there is no such file."""
    file = folder / "modules.json"
    listed = _json(file) if file.is_file() else []
    ok = isinstance(listed, list) and all(isinstance(m, dict) and isinstance(m.get("type"), str) for m in listed)
    if not ok or not all(isinstance(m.get("path"), str) and ".." not in Path(m["path"]).parts for m in listed):
        raise UsageError(f"{file}: a list of objects with type and path is expected")
    return listed


def _type(module: dict[str, Any]) -> str:
    return str(module["type"]).rpartition(".")[2]


def _tensors(file: Path) -> dict[str, list[int]]:
    """Name → shape of every tensor of a safetensors file."""
    if not file.is_file():
        raise UsageError(f"{file}: there is no such file", "Copy the whole folder of the model.")
    try:
        with safe_open(file, framework="numpy") as opened:
            return {name: list(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UsageError(f"{file}: is no safetensors file ({error})") from error


def _object(file: Path) -> dict[str, Any]:
    """The JSON object of `file`, empty where there is no such file."""
    value = _json(file) if file.is_file() else {}
    if not isinstance(value, dict):
        raise UsageError(f"{file}: a JSON object is expected, not {type(value).__name__}")
    return value


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UsageError(f"{file}: not valid JSON ({error})") from error


def _positive(said: dict[str, Any], key: str, file: Path) -> int | None:
    value = said.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise UsageError(f"{file}: {key} must be a whole number above 0, not {value!r:.80}")
    return value


def _flag(said: dict[str, Any], key: str, default: bool, file: Path) -> bool:
    value = said.get(key)
    if value is not None and not isinstance(value, bool):
        raise UsageError(f"{file}: {key} must be true or false, not {value!r:.80}")
    return default if value is None else value


def _marker(said: dict[str, Any], key: str, default: str, file: Path) -> str | int:
    value = said.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, (str, int))):
        raise UsageError(f"{file}: {key} must be a token or its id, not {value!r:.80}")
    return default if value is None else value
