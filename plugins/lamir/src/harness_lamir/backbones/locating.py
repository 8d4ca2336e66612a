"""From a folder, a package's folder or a hub id to a local folder that holds safetensors weights.

Fetching, and what is told when it fails, is the harness's. What recipes add: a hub id is taken at a full commit alone,
because a branch or a tag moves, and a run that names one cannot be repeated. Files are fetched only here, and pickled
weights never. Some models come as Python packages: `package:NAME/FOLDER` is a folder in the installed package NAME.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from harness._util.names import did_you_mean
from harness.encoders import weights as core
from harness.errors import UsageError

__all__ = ["locate", "require_safetensors"]

_PACKAGE = "package:"
#: What a snapshot is made of: configuration, vocabulary, safetensors. Other formats would only cost time.
_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]
_UNWANTED = ["onnx/*", "openvino/*", "*/onnx/*", "*/openvino/*"]


def locate(model: str, revision: str | None, *, where: str, weights: bool = True) -> Path:
    """Return the local folder of a model; a hub id is fetched, or found in the cache.

    Args:
        model: a folder, `package:NAME/FOLDER`, or a hub id, which may carry its commit: `owner/name@commit`.
        revision: the commit of a hub id: 40 hexadecimal digits.
        where: the key of the recipe, for errors.
        weights: whether the folder must hold weights; false where a tokenizer is all that is wanted.

    Raises:
        UsageError: there is no such folder or model, or a hub id has no full commit.
    """
    path = _in_package(model.removeprefix(_PACKAGE), where) if model.startswith(_PACKAGE) else Path(model).expanduser()
    if path.is_dir():
        if revision is not None:
            raise UsageError(f"{where}: {model} is a folder; a revision goes with a hub id", hint="Leave it out.")
        return path
    name, _, commit = model.partition("@")
    commit = revision or commit
    with _told(where):
        core.require_hub_id(name)
    if not commit:
        raise UsageError(
            f"{where}: there is no folder {model!r}, and as a hub id it lacks its commit",
            hint="Name the 40-digit commit of a hub id: what a branch holds today may be gone tomorrow.",
        )
    if not core.is_commit(commit):
        raise UsageError(
            f"{where}: revision {commit!r} of {name!r} is no full commit",
            hint="A branch or tag moves; name the 40-digit commit that the hub shows under 'Files and versions'.",
        )
    return _snapshot(name, commit, where, weights=weights)


def _in_package(name: str, where: str) -> Path:
    """Return the folder `NAME/FOLDER` of an installed package, which is not imported."""
    package, _, folder = name.partition("/")
    try:
        spec = find_spec(package) if package.isidentifier() else None
    except ValueError:  # a module that runs as a script has no spec
        spec = None
    roots = [Path(root).resolve() for root in (spec.submodule_search_locations or [])] if spec else []
    if not roots:
        raise UsageError(
            f"{where}: there is no installed package {package!r}",
            hint=f"Install the package that provides {package!r}, or name a folder or a hub id.",
        )
    for root in roots:
        path = (root / folder).resolve()
        if path.is_dir() and path.is_relative_to(root):
            return path
    raise UsageError(
        f"{where}: the installed package {package!r} has no folder {folder!r}",
        did_you_mean(folder, [one.name for root in roots for one in _folders(root)]),
    )


def _snapshot(name: str, commit: str, where: str, *, weights: bool) -> Path:
    """Fetch a hub model at a commit, or find it in the cache."""
    unwanted = _UNWANTED if weights else [*_UNWANTED, "*.safetensors"]
    with _told(where):
        return core.fetch(name, commit, only=_WANTED, leave=unwanted)


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Put the key of the recipe before the harness's errors."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", error.hint) from error


def require_safetensors(folder: Path) -> None:
    """Raise UsageError for a folder whose own weights are pickled, or that has none: those below it do not count."""
    if any(folder.glob("*.safetensors")):
        return
    if any(path.suffix in core.PICKLES for path in folder.glob("*")):
        core.require_safetensors(folder, str(folder))
    raise UsageError(f"model {folder}: has no *.safetensors", hint="Copy the whole folder of the model.")


def _folders(parent: Path) -> list[Path]:
    """Return the folders in a folder; none if there is no such folder."""
    return [path for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
