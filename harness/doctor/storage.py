"""The caches: where they are, how big they are, and whether they can be written to."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness._util.folders import cache_root
from harness.doctor.finding import Finding, size

_GROUP = "caches"

#: What the harness keeps below its cache folder.
FOLDERS = {
    "embeddings": "vectors of texts",
    "corpora": "corpora converted to Arrow",
    "archives": "lists of what archives hold",
    "downloads": "files from the web",
    "hub": "answers of the hub",
}
#: Seconds after which a count is given up: a cache of a hundred million files must not hold the doctor.
_PATIENCE = 3.0
#: Bytes below which a disk is called full: one corpus of Mr.TyDi takes more.
_LITTLE = 2_000_000_000


@dataclass(frozen=True)
class Usage:
    """Files and bytes below a folder; `complete` is false where counting was given up."""

    files: int
    bytes: int
    complete: bool = True

    def __str__(self) -> str:
        more = "" if self.complete else "more than "
        return f"{more}{size(self.bytes)} in {more}{self.files:,} file{'' if self.files == 1 else 's'}"


def findings() -> Iterator[Finding]:
    """The harness's own cache, part by part, and that of the Hugging Face hub."""
    root = cache_root(None)
    yield _place("folder", root)
    for name, what in FOLDERS.items():
        yield _part(name, root / name, what)
    yield _part("hugging face hub", hub_cache(), "models and data sets")


def hub_cache() -> Path:
    """Where huggingface_hub keeps its files, by the rules it documents; it is not imported for that."""
    if named := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(named).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "huggingface" / "hub"


def usage(folder: Path, patience: float = _PATIENCE) -> Usage:
    """What `folder` holds: links are not followed, a file of several names counts once, unreadable ones not at all."""
    until = time.monotonic() + patience
    files = total = 0
    seen: set[tuple[int, int]] = set()
    waiting = [str(folder)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                    continue
                facts = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if entry.is_symlink() or (facts.st_nlink > 1 and (facts.st_dev, facts.st_ino) in seen):
                continue
            if facts.st_nlink > 1:
                seen.add((facts.st_dev, facts.st_ino))
            files += 1
            total += facts.st_size
        if waiting and time.monotonic() > until:
            return Usage(files, total, complete=False)
    return Usage(files, total)


def _part(name: str, folder: Path, what: str) -> Finding:
    if not folder.is_dir():
        return Finding(_GROUP, name, f"{what}: none", data={"path": str(folder), "files": 0, "bytes": 0})
    used = usage(folder)
    data = {"path": str(folder), "files": used.files, "bytes": used.bytes, "complete": used.complete}
    return Finding(_GROUP, name, f"{what}: {used}", data=data)


def _place(name: str, root: Path) -> Finding:
    """Whether something can be kept in `root`, and how much."""
    existing = root
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    data: dict[str, object] = {"path": str(root), "exists": root.exists()}
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        hint = "Name a folder of yours with --cache or HARNESS_CACHE: vectors are kept there."
        what = "cannot be written to" if existing.is_dir() else f"cannot be made: {existing} is no folder"
        return Finding(_GROUP, name, f"{root} {what}", "problem", hint, data)
    free = shutil.disk_usage(existing).free
    data["free"] = free
    value = f"{root}, {size(free)} free"
    if free < _LITTLE:
        hint = "Remove what is not needed, or name another disk with --cache or HARNESS_CACHE."
        return Finding(_GROUP, name, value, "warning", hint, data)
    return Finding(_GROUP, name, value, data=data)
