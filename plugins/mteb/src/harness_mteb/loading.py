"""From `model=` to a loaded mteb model: a folder, a name of mteb's registry, or an id of the Hugging Face hub.

What is loaded, and how, is mteb's decision: its registry names a loader, a pinned revision and prompts for each model.
Refused before anything is fetched: unknown names, models of another kind, and models that run code of their own
unless that was asked for. Weights come from safetensors where mteb loads through sentence-transformers, which is most
of the registry; a loader that a model brings itself reads whatever files it is written to read.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import mteb
import mteb.models

from harness._util.names import did_you_mean
from harness.encoders.hardware import resolve_device
from harness.encoders.weights import is_commit, locate
from harness.errors import HarnessError, UsageError
from harness_mteb import folders
from harness_mteb.plugin import MtebOptions

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
#: How the source of a loader reads that runs code from the hub whatever it is told.
_ALWAYS_TRUSTS = re.compile(r"""trust_remote_code["']?(\s*:\s*bool)?\s*[=:]\s*True""")
#: Modules whose loaders hand `model_kwargs` to sentence-transformers, and so to transformers.
_GENERAL = ("mteb.models.sentence_transformer_wrapper", "mteb.models.instruct_wrapper")

#: What a model can be run as, by the name of our encoder.
_KINDS = {
    "mteb": "an encoder",
    "mteb-searcher": "a model that searches by itself (sparse, late interaction)",
    "mteb-reranker": "a cross-encoder",
}


@dataclass(frozen=True)
class Loaded:
    """A model that mteb loaded, what mteb knows of it, and what determines its answers."""

    model: Any
    meta: Any
    name: str
    identity: dict[str, Any]


def load(options: MtebOptions, runs_as: str, **more: Any) -> Loaded:
    """Load `options.model` for the encoder called `runs_as`; `more` goes to mteb's loader where it is not None.

    Raises UsageError for a model that is unknown, of another kind, only there as pickles, or of untrusted code, and
    for whatever mteb's loader raises.
    """
    more = {key: value for key, value in more.items() if value is not None}
    device = None if options.device == "auto" else str(resolve_device(options.device))
    if Path(options.model).expanduser().is_dir():
        return _from_folder(options, runs_as, device, more)
    meta = _meta(options)
    _refuse_other_kinds(options.model, _kind_of(meta), runs_as)
    if trusting := _trusts(meta):
        _refuse_untrusted(options, meta.revision, trusting)
    if options.trust_remote_code and not trusting and not _registered(meta.name):
        _refuse_untrusted(options, options.revision, "asked for")
        more["trust_remote_code"] = True
    if _module_of(meta.loader) in _GENERAL:
        given = {**meta.loader_kwargs, **(meta.experiment_kwargs or {})}
        more["model_kwargs"] = {**given.get("model_kwargs", {}), "use_safetensors": True}
    model = _called(options.model, lambda: meta.load_model(device=device, **more))
    identity = {"model": meta.name, "revision": meta.revision, **_common(options)}
    return Loaded(model, meta, options.name or meta.name.rpartition("/")[2], identity)


def _from_folder(options: MtebOptions, runs_as: str, device: str | None, more: dict[str, Any]) -> Loaded:
    """A model that lies in a folder, through the wrapper that mteb has for its kind."""
    kind = folders.kind_of(Path(options.model).expanduser())
    wrapper, here = {
        "SentenceTransformer": (mteb.models.SentenceTransformerEncoderWrapper, "mteb"),
        "CrossEncoder": (mteb.models.CrossEncoderWrapper, "mteb-reranker"),
        "SparseEncoder": (mteb.models.SparseEncoderWrapper, "mteb-searcher"),
        "MultiVectorEncoder": (mteb.models.MultiVectorWrapper, "mteb-searcher"),
    }[kind]
    _refuse_other_kinds(options.model, here, runs_as)
    weights = locate(options.model, options.revision)
    arguments = {
        **more,
        "local_files_only": True,
        "model_kwargs": {"use_safetensors": True},
        "trust_remote_code": options.trust_remote_code,
    }
    model = _called(options.model, lambda: wrapper(str(weights.folder), device=device, **arguments))
    identity = {"weights": weights.fingerprint, **_common(options)}
    return Loaded(model, model.mteb_model_meta, options.name or weights.name, identity)


def _meta(options: MtebOptions) -> Any:
    """The `ModelMeta` of a registered model, or the one mteb makes of a hub model's files."""
    name = options.model
    try:
        return mteb.get_model_meta(name, options.revision)
    except ValueError as error:
        raise UsageError(f"model {name!r}: {error}", "mteb pins the revision of the models it registers.") from error
    except KeyError:
        suggestion = _suggestion(name)
    if not _HUB_ID.fullmatch(name):
        raise UsageError(f"model {name!r} is no folder, no hub id, and not in mteb's registry", suggestion)
    if options.revision is not None and not is_commit(options.revision):
        raise UsageError(f"revision={options.revision} is no commit of 40 digits", "A branch may move between runs.")
    try:
        meta = mteb.get_model_meta(name, options.revision, fetch_from_hf=True)
    except Exception as error:  # whatever the hub's client raises: offline, gated, a name it refuses
        hint = suggestion or f"Fetch it where there is a network (`hf download {name}`), and name its folder."
        raise UsageError(f"model {name!r} is not in mteb's registry, and the hub: {_one_line(error)}", hint) from error
    if meta.loader is None:
        raise UsageError(f"there is no model {name!r} in mteb's registry or on the hub", suggestion)
    return meta


def _suggestion(name: str) -> str | None:
    """The nearest names of the registry; a name without its organisation is looked for among names without theirs."""
    known = [meta.name for meta in mteb.get_model_metas()]
    if "/" in name:
        return did_you_mean(name, known)
    bare: dict[str, list[str]] = {}
    for full in known:
        bare.setdefault(full.rpartition("/")[2].lower(), []).append(full)
    close = [full for near in get_close_matches(name.lower(), bare, n=3, cutoff=0.6) for full in bare[near]]
    return "Did you mean " + " or ".join(map(repr, close[:3])) + "?" if close else None


def _registered(name: str) -> bool:
    try:
        mteb.get_model_meta(name)
    except KeyError:
        return False
    return True


def _kind_of(meta: Any) -> str:
    """Which of our three a registered model is for."""
    kinds = set(meta.model_type)
    if "cross-encoder" in kinds:
        return "mteb-reranker"
    return "mteb" if kinds & {"dense", "router"} else "mteb-searcher"


def _refuse_other_kinds(model: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise UsageError(f"model {model!r} is {_KINDS[found]}, and {wanted!r} runs {_KINDS[wanted]}", f"Use {found!r}.")


def _trusts(meta: Any) -> str | None:
    """Why loading this model would run code from the hub, None where it would not.

    The registry says so in the arguments of a loader; loaders that are written for one model may do it unasked, which
    only their source tells. A loader without source is taken to do it.
    """
    if _asks(meta.loader_kwargs):
        return "mteb's registry says so"
    loader = getattr(meta.loader, "func", meta.loader)
    if loader is None or _module_of(loader) in _GENERAL:
        return None
    try:
        source = inspect.getsource(loader)
    except (OSError, TypeError):
        return "its loader's source is not there to look at"
    return "its loader does" if _ALWAYS_TRUSTS.search(source) else None


def _asks(arguments: Any) -> bool:
    """True where `arguments` or a mapping in them has a true `trust_remote_code`."""
    if not isinstance(arguments, Mapping):
        return False
    return bool(arguments.get("trust_remote_code")) or any(_asks(value) for value in arguments.values())


def _refuse_untrusted(options: MtebOptions, revision: str | None, why: str) -> None:
    if not options.trust_remote_code:
        raise UsageError(
            f"model {options.model!r} runs code of its own from the hub ({why})",
            "Read it at the pinned commit, then add -o trust_remote_code=true.",
        )
    if not is_commit(revision or ""):
        raise UsageError(
            f"trust_remote_code=true needs a commit, and {options.model!r} has revision {revision!r}",
            "Code that was read at one commit may be different at the next: add -o revision=<40-digit commit>.",
        )


def _called(model: str, loader: Any) -> Any:
    """What `loader` returns; what it raises for want of files, packages or memory is a UsageError."""
    try:
        return loader()
    except ImportError as error:  # mteb says which packages, and on the next line how to get them
        first, *rest = str(error).splitlines() or [type(error).__name__]
        raise UsageError(f"model {model!r}: {first}", rest[0] if rest else None) from error
    except HarnessError:
        raise
    except Exception as error:  # loaders are foreign code, and read foreign files
        hint = "Without a network, name a folder that holds the model." if isinstance(error, OSError) else None
        raise UsageError(f"mteb could not load model {model!r}: {_one_line(error)}", hint) from error


def _common(options: MtebOptions) -> dict[str, Any]:
    """What else determines answers, whichever way a model came."""
    return {"mteb": mteb.__version__, "task": options.task}


def _module_of(loader: Any) -> str:
    return str(getattr(getattr(loader, "func", loader), "__module__", ""))


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
