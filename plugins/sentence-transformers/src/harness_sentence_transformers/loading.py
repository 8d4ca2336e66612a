"""Loading a model of the library: transformers, static embeddings, asymmetric models, and their length limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from harness.errors import UsageError
from harness_sentence_transformers.limits import limit_tokens


def load_model(folder: Path, model: str, device: torch.device, dtype: torch.dtype, *, trust_remote_code: bool) -> Any:
    """The SentenceTransformer in `folder`, with its weights from safetensors; `model` is what the user called it.

    Raises UsageError when the library cannot load it.
    """
    from sentence_transformers import SentenceTransformer

    try:
        if _is_model2vec(folder):
            from sentence_transformers.models import StaticEmbedding

            loaded = SentenceTransformer(modules=[StaticEmbedding.load(str(folder))], device=str(device))
        else:
            loaded = SentenceTransformer(
                str(folder),
                device=str(device),
                trust_remote_code=trust_remote_code,
                local_files_only=True,
                model_kwargs={"use_safetensors": True, "dtype": dtype},
            )
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"model {model!r} could not be loaded: {error}") from error
    if loaded.transformers_model is None:  # the dtype above is an argument of transformers alone
        loaded.to(dtype)
    return loaded


def input_modules(model: Any) -> list[Any]:
    """The modules that take texts: one, or the first of each route of an asymmetric model."""
    first = model[0]
    routes = getattr(first, "sub_modules", None)
    return [first] if routes is None else [route[0] for route in routes.values()]


def limit_inputs(model: Any, wanted: int | None, name: str) -> int | None:
    """Cut texts at `wanted` tokens, or at the model's own limits; returns the greatest limit, None where none is set.

    Raises UsageError when the model has no limit that could be set, or has fewer positions.
    """
    limited = [module for module in input_modules(model) if _has_limit(module)]
    if wanted is not None and not limited:
        raise UsageError(f"max_tokens={wanted}: model {name!r} reads texts of any length, and cannot cut them")
    limits = [limit_tokens(module, wanted, name) for module in limited]
    for module in limited:
        for task in ("query_length", "document_length"):  # limits of a role, which go before the general one
            if wanted is not None and (own := getattr(module, task, None)) is not None:
                setattr(module, task, min(own, wanted))
    return max((limit for limit in limits if limit is not None), default=None)


def _has_limit(module: Any) -> bool:
    """True where a limit can be set: static embeddings have a property that says infinity and takes nothing."""
    declared = getattr(type(module), "max_seq_length", None)
    if isinstance(declared, property):
        return declared.fset is not None
    return hasattr(module, "max_seq_length")


def _is_model2vec(folder: Path) -> bool:
    """True for a static model as model2vec saves it, without the library's own list of modules."""
    config = folder / "config.json"
    if (folder / "modules.json").is_file() or not config.is_file():
        return False
    try:
        declared = json.loads(config.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(declared, dict) and declared.get("model_type") == "model2vec"
