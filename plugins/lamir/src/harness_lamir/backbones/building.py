"""From a recipe to a backbone, and from a folder back to one.

Every kind of backbone is one class with two constructors, `build` (from the recipe) and `load` (from what `save`
wrote). A further kind is a class, its settings in `settings.py`, a line in `_KINDS`, and a line in `_MODEL_TYPES` or
`_FIRST_MODULES`, by which its folder is known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from harness.errors import UsageError
from harness_lamir.backbones.base import Backbone
from harness_lamir.backbones.settings import BackboneSettings
from harness_lamir.data.rows import Kind, Row

__all__ = ["build_backbone", "kind_of", "load_backbone"]

#: Kind to class. Named rather than imported: a static backbone need not wait for transformers' models.
_KINDS: Mapping[str, str] = {
    "features": "harness_lamir.backbones.features:FeatureBackbone",
    "lexicon": "harness_lamir.backbones.lexicon:LexiconBackbone",
    "tokens": "harness_lamir.backbones.tokens:TokenBackbone",
    "transformer": "harness_lamir.backbones.transformer:TransformerBackbone",
    "scratch": "harness_lamir.backbones.scratch:ScratchBackbone",
}
#: First module of a sentence-transformers model to kind.
_FIRST_MODULES: Mapping[str, str] = {"StaticEmbedding": "tokens", "Transformer": "transformer"}
#: `model_type` of a configuration to kind, for our own architectures; all others are transformers'.
_MODEL_TYPES: Mapping[str, str] = {"lamir": "features", "lamir-lexicon": "lexicon"}


def build_backbone(
    settings: BackboneSettings,
    sample_texts: Callable[[int], list[str]],
    *,
    seed: int,
    rows: Callable[[Kind], Iterable[Row]] = lambda kind: (),
) -> Backbone:
    """Make the backbone that a recipe asks for, ready to train.

    Args:
        settings: the recipe's `backbone`.
        sample_texts: draws so many texts of the recipe's streams; called once at most, where a vocabulary is learnt.
        rows: gives every row of the recipe's streams of a kind; for backbones that are made of text (`lexicon`).
        seed: decides every random weight. The global state of torch's generator is left as it was.

    Raises:
        UsageError: a folder, hub id, revision or adapter cannot be used.
    """
    made_of = {"rows": rows} if settings.kind == "lexicon" else {}
    return cast(Backbone, _class_of(settings.kind).build(settings, sample_texts, seed=seed, **made_of))


def load_backbone(folder: Path) -> Backbone:
    """Load what `Backbone.save` wrote, or a plain folder of transformers or sentence-transformers.

    Raises:
        UsageError: the folder lacks a file, holds pickled weights only, or its parts do not belong together.
    """
    return cast(Backbone, _class_of(kind_of(folder)).load(folder))


def kind_of(folder: Path) -> str:
    """Tell by its files which kind of backbone a folder holds; raises UsageError where there is none."""
    if not folder.is_dir():
        raise UsageError(f"model {folder}: there is no such folder", hint="Name a folder that holds a model.")
    modules = _read_json(folder / "modules.json", [])
    if isinstance(modules, list) and modules and isinstance(modules[0], dict):
        name = str(modules[0].get("type", "")).rpartition(".")[2]
        if name in _FIRST_MODULES:
            return _FIRST_MODULES[name]
    config = _read_json(folder / "config.json", None)
    if not isinstance(config, dict) or "model_type" not in config:
        missing = "config.json" if config is None else "model_type in config.json"
        raise UsageError(
            f"model {folder}: has no {missing}",
            hint="Name a folder that `harness train lamir` wrote, or one of transformers or sentence-transformers.",
        )
    return _MODEL_TYPES.get(config["model_type"], "transformer")


def _class_of(kind: str) -> Any:
    """Import the class of a kind."""
    module, _, name = _KINDS[kind].partition(":")
    return getattr(import_module(module), name)


def _read_json(path: Path, default: Any) -> Any:
    """Return the content of a JSON file, or `default` where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return default
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: is not JSON ({error})") from error
