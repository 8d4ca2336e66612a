"""Fetching the published files of a part into the caches, and finding what was fetched before.

Files of the hub go to its own cache, through its own client, which resumes and shows progress. Files of the web go to
`<cache>/downloads`. What a pattern for shards matched is written down beside it, so that a run without a connection
knows whether all of them are there.
"""

from __future__ import annotations

import json
import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from harness._util import fingerprint
from harness._util.atomic import write_text
from harness._util.progress import Progress
from harness.errors import DataError, UsageError
from harness.sources.hub.download import download
from harness.sources.official.layout import HubFile, Part, Url
from harness.sources.tree import TreeFile, plain_file


class Fetcher:
    """Files by where they are published."""

    def __init__(self, cache: Path, progress: Progress) -> None:
        self._cache = cache
        self._progress = progress

    def fetch(self, part: Part) -> tuple[TreeFile, ...]:
        """The files of `part`, fetched where they are not there yet.

        Raises DataError where no origin has them, with the reason and the command that fixes it.
        """
        problems = []
        if found := self.cached_part(part):
            return found
        for origin in part.origins:
            try:
                return self._from_hub(origin) if isinstance(origin, HubFile) else self._from_web(origin)
            except DataError as error:
                problems.append(error)
        if problems:
            raise problems[0]
        raise DataError(
            f"{part.names[0]} is published nowhere that it can be fetched from",
            "Put it into a folder and give that as --source.",
        )

    def cached_part(self, part: Part) -> tuple[TreeFile, ...]:
        """The files of `part` that were fetched before, all of them or none."""
        return next((found for origin in part.origins if (found := self.cached(origin))), ())

    def cached(self, origin: HubFile | Url) -> tuple[TreeFile, ...]:
        """The files of `origin` that were fetched before, all of them or none."""
        if isinstance(origin, Url):
            path = self._web_path(origin)
            return (plain_file(path, path.name),) if path.is_file() else ()
        names = self._listed(origin)
        found = [self._in_hub_cache(origin, name) for name in names]
        if not found or any(path is None for path in found):
            return ()
        return tuple(plain_file(path, name) for path, name in zip(found, names, strict=True) if path is not None)

    def _from_web(self, origin: Url) -> tuple[TreeFile, ...]:
        path = self._web_path(origin)
        download(origin.url, path, self._progress)
        return (plain_file(path, path.name),)

    def _web_path(self, origin: Url) -> Path:
        name = Path(unquote(urlsplit(origin.url).path)).name
        return self._cache / "downloads" / fingerprint.of_json(origin.url)[:16] / name

    def _from_hub(self, origin: HubFile) -> tuple[TreeFile, ...]:
        hub = client()
        try:
            names = self._listed(origin) or _list(hub, origin)
            if not names:
                raise DataError(f"{origin.repo} has no {origin.path} at revision {origin.revision[:8]}")
            paths = [
                Path(hub.hf_hub_download(origin.repo, name, repo_type="dataset", revision=origin.revision))
                for name in names
            ]
        except Exception as error:  # the client's errors, and those of the HTTP library below it
            raise explained(error, origin.repo, origin.revision) from error
        if _is_pattern(origin.path):
            write_text(self._marker(origin), json.dumps(names))
        return tuple(plain_file(path, name) for path, name in zip(paths, names, strict=True))

    def _listed(self, origin: HubFile) -> list[str]:
        """The names that `origin` stands for, as far as they are known without asking."""
        if not _is_pattern(origin.path):
            return [origin.path]
        try:
            return [str(name) for name in json.loads(self._marker(origin).read_text("utf-8"))]
        except (OSError, ValueError, TypeError):
            return []

    def _in_hub_cache(self, origin: HubFile, name: str) -> Path | None:
        found = client().try_to_load_from_cache(origin.repo, name, repo_type="dataset", revision=origin.revision)
        return Path(found) if isinstance(found, str) else None

    def _marker(self, origin: HubFile) -> Path:
        return self._cache / "hub" / f"{fingerprint.of_json([origin.repo, origin.revision, origin.path])[:24]}.json"


def client() -> Any:
    """The module `huggingface_hub`. Raises UsageError where it is not installed."""
    try:
        import huggingface_hub
    except ImportError as error:
        raise missing_extra() from error
    return huggingface_hub


def missing_extra() -> UsageError:
    """The error for an installation without the client libraries of the hub."""
    return UsageError(
        "the hub source needs huggingface_hub, datasets and mteb", 'Install them: pip install "lamir-harness[hub]"'
    )


def explained(error: Exception, repo: str, revision: str) -> DataError:
    """One sentence for what went wrong with `repo`, and what to do about it."""
    if isinstance(error, DataError):
        return error
    name = f"dataset {repo} at revision {revision[:8]}"
    kinds = {kind.__name__ for kind in type(_cause(error)).__mro__}
    if "GatedRepoError" in kinds:
        return DataError(
            f"dataset {repo} is gated",
            f"Accept its terms at https://huggingface.co/datasets/{repo}, then log in: hf auth login",
        )
    if "RevisionNotFoundError" in kinds:
        return DataError(f"{name} does not exist any more", "Please report it: the pinned revision has to move.")
    if "RepositoryNotFoundError" in kinds:
        return DataError(f"dataset {repo} does not exist, or is private", "If you have access to it: hf auth login")
    if kinds & {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectError", "ConnectionError"}:
        return DataError(
            f"{name} is not in the cache and cannot be fetched",
            "Once, with a connection and without HF_HUB_OFFLINE: harness data fetch",
        )
    if "EntryNotFoundError" in kinds:
        return DataError(f"{name} does not have the file that is needed ({_first_line(error)})")
    return DataError(f"{name} could not be fetched: {type(error).__name__}: {_first_line(error)}")


def _cause(error: BaseException) -> BaseException:
    """The client's error behind what `datasets` makes of it."""
    told = {"GatedRepoError", "RevisionNotFoundError", "RepositoryNotFoundError"}
    at: BaseException | None = error
    while at is not None:
        if any(kind.__name__ in told for kind in type(at).__mro__):
            return at
        at = at.__cause__ or at.__context__
    return error


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip() if lines else type(error).__name__


def _is_pattern(path: str) -> bool:
    return any(character in path for character in "*?[")


def _list(hub: Any, origin: HubFile) -> list[str]:
    """The files of the repository that match the pattern, asked for folder by folder."""
    if not _is_pattern(origin.path):
        return [origin.path]
    folder, _, pattern = origin.path.rpartition("/")
    entries = hub.HfApi().list_repo_tree(
        origin.repo, path_in_repo=folder or None, repo_type="dataset", revision=origin.revision
    )
    return sorted(
        entry.path for entry in entries if hasattr(entry, "size") and fnmatchcase(os.path.basename(entry.path), pattern)
    )
