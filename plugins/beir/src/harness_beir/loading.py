"""From `model=` to an object with BEIR's dense interface, and to what determines its vectors.

A folder is loaded by BEIR's own `SentenceBERT`, from safetensors only. Anything else is a reference,
`package.module:attribute`: an object with the two methods, or a class or function that makes one.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from harness._util import fingerprint
from harness._util.names import did_you_mean
from harness.encoders.hardware import resolve_device
from harness.encoders.weights import PICKLES, determining_files, label_of, require_safetensors
from harness.errors import HarnessError, UsageError
from harness_beir.plugin import BeirOptions

METHODS = ("encode_queries", "encode_corpus")

_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
#: Files that tell a model's folder from any other.
_CONFIGURATIONS = ("config.json", "modules.json")


@dataclass(frozen=True)
class Loaded:
    """A model, what to call it, and what determines its vectors as far as that can be seen."""

    model: Any
    name: str
    identity: dict[str, Any]


def load(options: BeirOptions) -> Loaded:
    """The model that `options` name.

    Raises UsageError where there is no such folder or attribute, where weights are pickles, where what was found has
    not BEIR's two methods, and for whatever is raised while it is made.
    """
    common = {
        "beir": metadata.version("beir"),
        "arguments": {key: _seen(value) for key, value in options.arguments.items()},
        "version": options.version,
    }
    folder = Path(options.model).expanduser()
    if folder.is_dir():
        model, identity = _from_folder(folder.resolve(), options)
        name = label_of(folder.resolve())
    elif _REFERENCE.fullmatch(options.model):
        model, identity = _from_reference(options)
        name = options.model.rpartition(":")[2].rpartition(".")[2]
    else:
        raise UsageError(
            f"model {options.model!r} is neither a folder nor package.module:attribute",
            "For a model of the hub use `sentence-transformers`, or beir.retrieval.models:SentenceBERT with "
            f'arguments={{"model_path": "{options.model}"}}.',
        )
    lacking = [method for method in METHODS if not callable(getattr(model, method, None))]
    if lacking:
        raise UsageError(
            f"model {options.model!r} is a {type(model).__name__} without {' and '.join(lacking)}",
            "BEIR's dense interface is encode_queries(queries, batch_size) and encode_corpus(corpus, batch_size).",
        )
    return Loaded(model, options.name or name, {**common, **identity})


def _from_folder(folder: Path, options: BeirOptions) -> tuple[Any, dict[str, Any]]:
    require_safetensors(folder, options.model)
    from beir.retrieval.models import SentenceBERT

    settings = {
        "device": str(resolve_device(options.device)),
        "local_files_only": True,
        "model_kwargs": {"use_safetensors": True},
    }
    model = _called(options.model, SentenceBERT, {"model_path": str(folder), **settings, **options.arguments})
    return model, {"weights": _hash(folder)}


def _from_reference(options: BeirOptions) -> tuple[Any, dict[str, Any]]:
    if options.device != "auto":
        raise UsageError("device= goes with a folder", 'A referenced model takes it, if at all, among arguments={"…"}.')
    module_name, _, path = options.model.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # importing it runs its author's code
        hint = f"A module of the current folder is found with PYTHONPATH=. ({type(error).__name__})"
        raise UsageError(f"{module_name!r} cannot be imported: {_one_line(error)}", hint) from error
    found: Any = module
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            raise UsageError(f"{module_name!r} has no {path!r}", did_you_mean(attribute, _public(found)))
        found = getattr(found, attribute)
    if isinstance(found, type) or not hasattr(found, METHODS[0]):
        if not callable(found):
            raise UsageError(f"{options.model} is a {type(found).__name__}: neither a model nor what makes one")
        found = _called(options.model, found, options.arguments)
    elif options.arguments:
        raise UsageError(f"{options.model} is a model already and takes no arguments")
    source = getattr(module, "__file__", None)
    return found, {
        "reference": options.model,
        "source": _hash(Path(source)) if source else None,
        "distributions": _distributions(module_name.partition(".")[0]),
    }


def _called(model: str, make: Any, arguments: Mapping[str, Any]) -> Any:
    try:
        return make(**arguments)
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:  # whatever a foreign class does when it is made
        raise UsageError(f"model {model!r} could not be made: {_one_line(error)}") from error


def _seen(value: Any) -> Any:
    """An argument as the fingerprint has it: a file, or a folder with a model, counts by its content, not by its place.

    Other folders count by their names: a cache is no part of a model, and may be large.
    """
    path = Path(value).expanduser() if isinstance(value, str) and "\0" not in value else None
    if path is not None and (path.is_file() or any((path / name).is_file() for name in _CONFIGURATIONS)):
        return {"content": _hash(path.resolve())}
    return value


def _hash(path: Path) -> str:
    if path.is_file():
        return fingerprint.of_files([path], path.parent)
    # with pickles: what a referenced model reads is its own affair
    return fingerprint.of_files(determining_files(path, *PICKLES), path)


@lru_cache(maxsize=64)
def _distributions(package: str) -> dict[str, str]:
    """Version of each distribution that brings `package`; a module outside of any brings none.

    Remembered, because every installed file is looked through.
    """
    if package in sys.stdlib_module_names:
        return {}
    return {name: metadata.version(name) for name in sorted(set(metadata.packages_distributions().get(package, [])))}


def _public(owner: Any) -> list[str]:
    return [name for name in dir(owner) if not name.startswith("_")]


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
