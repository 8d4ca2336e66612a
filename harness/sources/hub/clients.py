"""The client libraries of the hub: imported on use, and their errors in one sentence."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from harness.errors import DataError, UsageError
from harness.sources.hub.download import without_query

#: Errors that say what is wrong, wherever in a chain of errors they stand.
_TELLING = frozenset({"GatedRepoError", "RevisionNotFoundError", "RepositoryNotFoundError"})
_NOT_REACHED = frozenset(
    {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectError", "ConnectTimeout", "ConnectionError"}
)
#: What `datasets` says of a file that it wants and has not, and cannot ask for.
_NOT_IN_CACHE = "Couldn't find cache for"


def huggingface_hub() -> Any:
    """The module `huggingface_hub`. Raises UsageError where it is not installed."""
    return _imported("huggingface_hub")


def mteb() -> Any:
    """The module `mteb`. Raises UsageError where it is not installed."""
    return _imported("mteb")


def is_installed(module: str) -> bool:
    """Whether a module can be imported."""
    try:
        return find_spec(module) is not None
    except ValueError:  # put into sys.modules as absent
        return False


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE forbids connections; it holds for the web as for the hub."""
    wish = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""  # as the client reads them
    return wish.upper() in ("1", "ON", "YES", "TRUE")


def not_cached(what: str, label: str) -> DataError:
    """The error for something that was never fetched and cannot be fetched now."""
    how = "without HF_HUB_OFFLINE" if is_offline() else "with a connection"
    return DataError(
        f"{what} is not in the cache and cannot be fetched now", f"Once, {how}: harness data fetch {label}"
    )


def explained(error: Exception, repo: str, revision: str, label: str) -> DataError:
    """One sentence for what went wrong with `repo`, which `label` needs, and what to do about it."""
    if isinstance(error, DataError):
        return error
    name = f"dataset {repo} at revision {revision[:8]}"
    cause = _cause(error)
    kinds = {kind.__name__ for kind in type(cause).__mro__}
    text = str(error)
    if "GatedRepoError" in kinds:
        return DataError(
            f"dataset {repo} is gated",
            f"Accept its terms at https://huggingface.co/datasets/{repo}, then log in: hf auth login",
        )
    if "RevisionNotFoundError" in kinds:
        return DataError(
            f"{name} does not exist any more",
            "A newer version may pin another: pip install --upgrade lamir-harness; or give a folder as --source.",
        )
    if "RepositoryNotFoundError" in kinds or "DatasetNotFoundError" in kinds:
        return DataError(f"dataset {repo} does not exist, or is private", "If you have access to it: hf auth login")
    if kinds & _NOT_REACHED or _NOT_IN_CACHE in text:
        return not_cached(name, label)
    if "EntryNotFoundError" in kinds:
        return DataError(f"{name} does not have the file that is needed ({_first_line(error)})")
    return DataError(
        f"{name} could not be fetched: {type(error).__name__}: {_first_line(error)}",
        f"To go on where this stopped: harness data fetch {label}",
    )


def _cause(error: BaseException) -> BaseException:
    """The client's error behind what `datasets` makes of it."""
    at: BaseException | None = error
    while at is not None:
        if any(kind.__name__ in _TELLING for kind in type(at).__mro__):
            return at
        at = at.__cause__ or at.__context__
    return error


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return without_query(lines[0].strip()) if lines else type(error).__name__


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise UsageError(
            "the hub source needs huggingface_hub, datasets and mteb", 'Install them: pip install "lamir-harness[hub]"'
        ) from error
