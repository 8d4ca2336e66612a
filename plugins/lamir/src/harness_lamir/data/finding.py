"""The files of a source: found by its globs, in a fixed order, and none of them evaluation data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePath

from harness.errors import UsageError
from harness_lamir.data.readers import (
    FORMATS,
    entries,
    files_of,
    format_for,
    known_language,
    language_of,
    reader_for,
)
from harness_lamir.data.readers.formats import Numbered
from harness_lamir.data.rows import Kind
from harness_lamir.recipe import Source

__all__ = ["Part", "find_files", "forbidden_folders", "language_by_name", "parts_of"]


@dataclass(frozen=True, slots=True)
class Part:
    """Files of a source that are read together: most often one.

    Attributes:
        files: what is opened; the first stands for all of them.
        rows: (line number, row), read while one iterates, at most the source's `limit` of them.
        joined: whether rows are made of several files, so that a line number names no single file.
    """

    files: tuple[Path, ...]
    rows: Numbered
    joined: bool = False

    def place(self, line: int) -> str:
        """Where a row stands, for messages."""
        if self.joined:
            return f"{self.files[0].parent}: {len(self.files)} files that are joined, line {line}"
        return f"{self.files[0]}:{line}"


def forbidden_folders(names: Sequence[str], data: Path) -> list[Path]:
    """Return the folders of evaluation data that a recipe names. Raises UsageError for one that is not there."""
    for name in names:
        if not (data / name).is_dir():
            raise UsageError(
                f"forbidden folder {name}: there is no such folder below {data}",
                hint="Name another data folder with --data DIR, or correct its name, or take it out of `forbidden` if "
                "nothing is measured on it.",
            )
    return [(data / name).resolve() for name in names]


def find_files(source: Source, kind: Kind, data: Path, forbidden: Sequence[Path], where: str) -> list[Path]:
    """Return the files (and folders in BEIR's layout) of a source to give to readers, each once, in a fixed order.

    Args:
        source: the source.
        kind: what its rows must be.
        data: the folder that its globs start from.
        forbidden: folders of evaluation data, resolved.
        where: names source and stream in errors.

    Raises:
        UsageError: a glob is absolute, leaves the data folder or matches no file, a file is evaluation data or would
            have one read along with it, or no format fits it.
    """
    found: dict[Path, None] = {}
    for pattern in source.files:
        found.update(dict.fromkeys(_matches(pattern, kind, data, where)))
    for path in found:
        _check_allowed(path, forbidden, where)
    paths = entries(found, kind, source)
    for path in paths:
        for opened in files_of(path, kind, source):
            _check_allowed(opened, forbidden, where)
    return paths


def language_by_name(path: Path, kind: Kind, source: Source) -> str | None:
    """Return the language that all rows of a file are in, English aside, or None where its rows must tell."""
    if format_for(path, kind, source).joins:
        return source.language or language_of(path)
    return known_language(path, kind, source)


def parts_of(paths: Sequence[Path], source: Source, kind: Kind) -> list[Part]:
    """Open readers of files that `find_files` returned; files that must be joined are one part. Reads nothing yet."""
    parts: list[Part] = []
    joined: dict[str, list[Path]] = {}
    for path in paths:
        form = format_for(path, kind, source)
        if form.joins:
            joined.setdefault(form.name, []).append(path)
        else:
            rows = reader_for(path, kind, source)(path, source)
            parts.append(Part(files_of(path, kind, source), islice(rows, source.limit)))
    for name, members in joined.items():
        files = dict.fromkeys(chain.from_iterable(files_of(path, kind, source) for path in members))
        join = FORMATS[name].join
        assert join is not None
        parts.append(Part(tuple(files), islice(join(members, source), source.limit), joined=len(files) > 1))
    return parts


def _matches(pattern: str, kind: Kind, data: Path, where: str) -> list[Path]:
    """Return the files that a glob below the data folder matches, sorted; else folders that are read as one."""
    if PurePath(pattern).is_absolute() or ".." in PurePath(pattern).parts:
        raise UsageError(
            f"{where}: {pattern} {'is absolute' if PurePath(pattern).is_absolute() else 'leaves the data folder'}",
            hint="Write it relative to the data folder, and name that with --data DIR.",
        )
    found = sorted(data.glob(pattern))
    whole = [form.guess for form in FORMATS.values() if kind in form.kinds]
    matches = [path for path in found if path.is_file()] or [
        path for path in found if path.is_dir() and any(is_one(path) for is_one in whole)
    ]
    if not matches:
        raise UsageError(
            f"{where}: no file matches {pattern!r}",
            hint=f"Paths start from {data}; name another folder with --data DIR.",
        )
    return matches


def _check_allowed(path: Path, forbidden: Sequence[Path], where: str) -> None:
    """Refuse a file that lies in a folder of evaluation data, whatever links lead to it."""
    for folder in forbidden:
        if path.resolve().is_relative_to(folder):
            raise UsageError(
                f"{where}: {path} is evaluation data",
                hint=f"{folder} is listed as forbidden; train on something else.",
            )
