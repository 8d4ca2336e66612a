"""The client libraries of the hub: imported on use, and their errors in one sentence."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from harness.errors import DataError, UsageError
from harness.sources.hub.download import without_query

_NOT_REACHED = frozenset(
    {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectError", "ConnectTimeout", "ConnectionError"}
)
#: What `datasets` says, and does not say by the kind of its error.
_GATED, _NO_REVISION, _NOT_IN_CACHE = "is a gated dataset", "Revision '", "Couldn't find cache for"


def huggingface_hub() -> Any:
    """The module `huggingface_hub`. Raises UsageError where it is not installed."""
    hub = _imported("huggingface_hub")
    if not os.environ.get("HF_HUB_VERBOSITY"):  # its retries are five lines for each file; what fails we tell ourselves
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    return hub


def mteb() -> Any:
    """The module `mteb`. Raises UsageError where it is not installed."""
    return _imported("mteb")


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of `datasets`: it tells of what it takes instead of what was asked for, which is checked."""
    theirs = _imported("datasets").utils.logging
    before = theirs.get_verbosity()
    theirs.set_verbosity_error()
    try:
        yield
    finally:
        theirs.set_verbosity(before)


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


class NotReached(DataError):
    """Something was never fetched, and there is no connection to fetch it by."""


def not_cached(what: str, label: str) -> NotReached:
    """The error for something that was never fetched and cannot be fetched."""
    how = "without HF_HUB_OFFLINE" if is_offline() else "with a connection"
    return NotReached(f"{what} is not in the cache and cannot be fetched", f"Once, {how}: harness data fetch {label}")


def explained(error: Exception, repo: str, revision: str, label: str) -> DataError:
    """One sentence for what went wrong with `repo`, which `label` needs, and what to do about it."""
    if isinstance(error, DataError):
        return error
    name = f"dataset {repo} at revision {revision[:8]}"
    chain = list(_chain(error))
    kinds = {kind for one in chain for kind in _kinds(one)}
    missing = "RepositoryNotFoundError" in kinds or "DatasetNotFoundError" in kinds
    if "GatedRepoError" in kinds or (missing and _GATED in str(error)):
        return DataError(
            f"dataset {repo} is gated",
            f"Accept its terms at https://huggingface.co/datasets/{repo}, then log in: hf auth login",
        )
    if "RevisionNotFoundError" in kinds or (missing and str(error).startswith(_NO_REVISION)):
        return DataError(
            f"{name} does not exist any more",
            "A newer version may pin another: pip install --upgrade lamir-harness; or give a folder as --source.",
        )
    if missing:
        return DataError(f"dataset {repo} does not exist, or is private", "If you have access to it: hf auth login")
    if any("EntryNotFoundError" in _kinds(one) and "LocalEntryNotFoundError" not in _kinds(one) for one in chain):
        return DataError(
            f"{name} does not have the file that is needed: {_first_line(error)}",
            "A newer version may know its new name: pip install --upgrade lamir-harness",
        )
    goes_on = f"To go on where this stopped: harness data fetch {label}"
    answer = next((found for one in chain if (found := getattr(one, "response", None)) is not None), None)
    if answer is not None:
        reason = getattr(answer, "reason_phrase", "") or getattr(answer, "reason", "")
        return DataError(f"{name} could not be fetched: the hub answers {answer.status_code} {reason}".strip(), goes_on)
    if kinds & _NOT_REACHED or _NOT_IN_CACHE in str(error):
        return not_cached(name, label)
    return DataError(f"{name} could not be fetched: {type(error).__name__}: {_first_line(error)}", goes_on)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error`, and those that it was raised from or while handling."""
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__ or at.__context__


def _kinds(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


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
