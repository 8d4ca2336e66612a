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
from harness.errors import DataError
from harness.sources.hub.clients import explained, huggingface_hub, is_installed, is_offline, not_cached
from harness.sources.hub.download import download
from harness.sources.official.layout import HubFile, Part, Url, find, in_shard_order
from harness.sources.tree import TreeFile, is_archive, list_tree, plain_file


class Fetcher:
    """Files by where they are published."""

    def __init__(self, cache: Path, progress: Progress) -> None:
        self._cache = cache
        self._progress = progress

    def fetch(self, part: Part, label: str) -> tuple[TreeFile, ...]:
        """The files of `part`, fetched where they are not there yet.

        `label` names the subset in messages. Raises DataError where no origin has them, with the reason and the
        command that fixes it.
        """
        if found := self.cached_part(part):
            return found
        problems = []
        for origin in part.origins:
            try:
                if isinstance(origin, HubFile):
                    return self._from_hub(origin, label)
                return self._from_web(origin, part, label)
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
        return next((found for origin in part.origins if (found := self._cached(origin, part))), ())

    def origin_of(self, part: Part) -> str:
        """Where the files that `cached_part` gives came from: repository and commit, or address."""
        for origin in part.origins:
            if found := self._cached(origin, part):
                return f"{origin.repo}@{_commit(found[0].path, origin)}" if isinstance(origin, HubFile) else origin.url
        return ""

    def hub_folder(self) -> tuple[Path, ...]:
        """The cache of the hub's client, where that is installed."""
        if not is_installed("huggingface_hub"):
            return ()
        from huggingface_hub.constants import HF_HUB_CACHE

        return (Path(HF_HUB_CACHE),)

    def _cached(self, origin: HubFile | Url, part: Part) -> tuple[TreeFile, ...]:
        """The files of `origin` that were fetched before, all of them or none."""
        if isinstance(origin, Url):
            path = self._web_path(origin)
            try:
                return self._opened(path, part) if path.is_file() else ()
            except DataError:  # a damaged archive: it is fetched again when it is wanted
                return ()
        names = self._listed(origin)
        found = [self._in_hub_cache(origin, name) for name in names]
        if not found or any(path is None for path in found):
            return ()
        return _in_order(origin, [plain_file(p, name) for p, name in zip(found, names, strict=True) if p is not None])

    def _from_web(self, origin: Url, part: Part, label: str) -> tuple[TreeFile, ...]:
        path = self._web_path(origin)
        if path.is_file() and not self._is_sound(path):
            path.unlink()
        if not path.is_file():
            if is_offline():
                raise not_cached(str(origin), label)
            download(origin.url, path, self._progress)
            if not self._is_sound(path):
                path.unlink()
                raise DataError(f"{origin}: a damaged archive is what came", f"Again: harness data fetch {label}")
        found = self._opened(path, part)
        if not found:
            raise DataError(f"{origin}: the archive has no {part.names[0]}")
        return found

    def _is_sound(self, path: Path) -> bool:
        """Whether the file at `path` can be used: an archive is listed, which reads it to its end."""
        try:
            return not is_archive(path.name) or bool(list_tree(path, self._cache))
        except DataError:
            return False

    def _opened(self, path: Path, part: Part) -> tuple[TreeFile, ...]:
        """The file at `path`, or what of the archive there is `part`."""
        if not is_archive(path.name):
            return (plain_file(path, path.name),)
        return find(part, {file.name: file for file in list_tree(path, self._cache).values()})

    def _web_path(self, origin: Url) -> Path:
        name = Path(unquote(urlsplit(origin.url).path)).name
        return self._cache / "downloads" / fingerprint.of_json(origin.url)[:16] / name

    def _from_hub(self, origin: HubFile, label: str) -> tuple[TreeFile, ...]:
        hub = huggingface_hub()
        try:
            names = self._listed(origin) or _list(hub, origin)
            paths = [
                Path(hub.hf_hub_download(origin.repo, name, repo_type="dataset", revision=origin.revision))
                for name in names
            ]
        except Exception as error:  # the client's errors, and those of the HTTP library below it
            raise explained(error, origin.repo, origin.revision, label) from error
        if not names:
            raise DataError(f"{origin.repo} has no {origin.path} at revision {origin.revision[:8]}")
        if _is_pattern(origin.path):
            write_text(self._marker(origin), json.dumps(names))
        return _in_order(origin, [plain_file(path, name) for path, name in zip(paths, names, strict=True)])

    def _listed(self, origin: HubFile) -> list[str]:
        """The names that `origin` stands for, as far as they are known without asking."""
        if not _is_pattern(origin.path):
            return [origin.path]
        try:
            return [str(name) for name in json.loads(self._marker(origin).read_text("utf-8"))]
        except (OSError, ValueError, TypeError):
            return []

    def _in_hub_cache(self, origin: HubFile, name: str) -> Path | None:
        if not is_installed("huggingface_hub"):
            return None
        found = huggingface_hub().try_to_load_from_cache(
            origin.repo, name, repo_type="dataset", revision=origin.revision
        )
        return Path(found) if isinstance(found, str) else None

    def _marker(self, origin: HubFile) -> Path:
        return self._cache / "hub" / f"{fingerprint.of_json([origin.repo, origin.revision, origin.path])[:24]}.json"


def _commit(path: Path, origin: HubFile) -> str:
    """The commit of a file in the cache of the hub: `…/snapshots/<commit>/…`. A branch such as `main` does not tell."""
    names = path.parts
    return names[names.index("snapshots") + 1] if "snapshots" in names else origin.revision


def _in_order(origin: HubFile, files: list[TreeFile]) -> tuple[TreeFile, ...]:
    """`files`, by number where they are shards, whose numbers are not padded."""
    return in_shard_order(files) if _is_pattern(origin.path) else tuple(files)


def _is_pattern(path: str) -> bool:
    return any(character in path for character in "*?[")


def _list(hub: Any, origin: HubFile) -> list[str]:
    """The files of the repository that match the pattern: those of its folder, and no path that leads elsewhere."""
    folder, _, pattern = origin.path.rpartition("/")
    entries = hub.HfApi().list_repo_tree(
        origin.repo, path_in_repo=folder or None, repo_type="dataset", revision=origin.revision
    )
    return sorted(
        entry.path
        for entry in entries
        if hasattr(entry, "size")
        and os.path.dirname(entry.path) == folder
        and fnmatchcase(os.path.basename(entry.path), pattern)
    )
