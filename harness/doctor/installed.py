"""Installed distributions, read without trusting them: any file of any of them may be missing or damaged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from harness.plugins import ENTRY_POINT_GROUP

#: Our distribution, and what it brings: other projects have taken the latter two as well.
OURS = "lamir-harness"
PACKAGE = "harness"
SCRIPT = "harness"

_FILE = re.compile(rf'^"?{PACKAGE}(/|\.py[",])', re.MULTILINE)
_SCRIPT_FILE = re.compile(rf'(^|/)(bin|Scripts)/{SCRIPT}(\.exe)?[",]', re.MULTILINE)


@dataclass(frozen=True)
class Installed:
    """A distribution that can be read: its name as PEP 503 compares it, its version, where it is described."""

    name: str
    version: str
    path: Path | None
    distribution: metadata.Distribution

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def is_plugin(self) -> bool:
        """True where it declares an entry point of the harness."""
        return any(entry.group == ENTRY_POINT_GROUP for entry in self.distribution.entry_points)

    @property
    def claims_package(self) -> bool:
        """True where it brings the import package `harness`, by its list of files or of packages."""
        if _FILE.search(_text(self.distribution, "RECORD")):
            return True
        return PACKAGE in _text(self.distribution, "top_level.txt").split()

    @property
    def claims_script(self) -> bool:
        """True where it brings a script `harness`."""
        entries = self.distribution.entry_points
        if any(entry.name == SCRIPT and entry.group in ("console_scripts", "gui_scripts") for entry in entries):
            return True
        return bool(_SCRIPT_FILE.search(_text(self.distribution, "RECORD")))


@dataclass(frozen=True)
class Damaged:
    """A description that cannot be read: where it is, why, and whether it may be that of a plugin."""

    path: Path | None
    reason: str
    may_be_plugin: bool


def survey(distributions: Iterable[metadata.Distribution]) -> tuple[list[Installed], list[Damaged]]:
    """What can be read, in the order of the path, and what cannot; a folder that is on the path twice counts once."""
    readable, damaged = [], []
    seen: set[Path] = set()
    for distribution in distributions:
        path = _path(distribution)
        if path is not None:
            if path in seen:
                continue
            seen.add(path)
        try:
            readable.append(_read(distribution, path))
        except Exception as error:  # whatever a parser makes of a file that is damaged
            reason = " ".join(str(error).split()) or type(error).__name__
            damaged.append(Damaged(path, reason, _may_be_plugin(distribution, path)))
    return sorted(readable, key=lambda found: found.name), damaged


def repeated(installed: Iterable[Installed]) -> Iterator[list[Installed]]:
    """Distributions that are described more than once: of each the first is used, and the others mislead."""
    groups: dict[str, list[Installed]] = {}
    for found in installed:
        groups.setdefault(found.name, []).append(found)
    return (group for group in groups.values() if len(group) > 1)


def _read(distribution: metadata.Distribution, path: Path | None) -> Installed:
    """Raises whatever there is to raise where name, version or entry points cannot be read."""
    if not _text(distribution, "METADATA") and not _text(distribution, "PKG-INFO") and (path is None or path.is_dir()):
        raise ValueError("METADATA is missing or empty")
    facts = distribution.metadata
    name, version = ((facts.get_all(key) or [""])[0] for key in ("Name", "Version"))
    if not name or not version:
        raise ValueError(f"METADATA gives no {'version' if name else 'name'}")
    for entry in distribution.entry_points:
        if entry.group == ENTRY_POINT_GROUP and not entry.module:
            raise ValueError(f"entry_points.txt names no module for {entry.name!r}")
    return Installed(re.sub(r"[-_.]+", "-", name).lower(), version, path, distribution)


def _may_be_plugin(distribution: metadata.Distribution, path: Path | None) -> bool:
    """Whether the folder's name or its entry points, as text, have to do with the harness."""
    named = path is not None and path.name.lstrip("~").lower().startswith(("harness", "lamir"))
    return named or ENTRY_POINT_GROUP in _text(distribution, "entry_points.txt")


def _path(distribution: metadata.Distribution) -> Path | None:
    """The folder of the description; the standard library keeps it to itself, and all tools that need it do this."""
    path = getattr(distribution, "_path", None)
    return Path(str(path)).absolute() if path is not None else None


def _text(distribution: metadata.Distribution, name: str) -> str:
    try:
        return distribution.read_text(name) or ""
    except (OSError, UnicodeDecodeError):
        return ""
