"""The files below a folder, those inside its archives included, under one kind of name.

An archive is listed once for all runs, and checked to its last byte on that occasion. Its small members (topics,
judgements) are copied beside the listing, because reading one out of a compressed tar means unpacking everything
before it; large members are read in place.
Nothing is ever written under the name of a member.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from harness._util import fingerprint
from harness._util.atomic import atomic_writer, write_text
from harness.errors import DataError
from harness.sources.archives import ARCHIVES, open_member, walk

#: Folders below the one that was named are searched this deep: deep enough for every official layout.
_DEPTH = 6
#: Members of at most this many bytes are copied beside the listing of their archive.
_SMALL = 8 << 20
#: Part of every listing's key: changes whenever a listing means something else.
_LISTING = 2


@dataclass(frozen=True)
class TreeFile:
    """A file, or a member of an archive. `name` is its path below the tree's root, with `/`, archives as folders."""

    name: str
    path: Path
    member: str | None = None
    size: int = 0
    stamp: str = field(default="", repr=False)  # changes when the file does
    copy: Path | None = field(default=None, repr=False)
    place: int = field(default=0, repr=False)  # among the archive's files: two of them may have one name

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}!{self.member}"

    def open(self) -> IO[bytes]:
        """A new binary stream from the first byte. Raises OSError, or DataError for an archive that has changed."""
        if self.copy is not None:
            return self.copy.open("rb")
        if self.member is None:
            return self.path.open("rb")
        return open_member(self.path, self.member, self.place)


def is_archive(name: str) -> bool:
    """True for the names of archives that are looked into."""
    return name.endswith(ARCHIVES)


def file_stem(name: str) -> str:
    """`name` without the ending of an archive."""
    ending = max((end for end in ARCHIVES if name.endswith(end)), key=len, default="")
    return name.removesuffix(ending)


def list_tree(root: Path, cache: Path) -> dict[str, TreeFile]:
    """Every file below `root`, a folder or one archive, by name and in name order; hidden ones are left out.

    `cache` keeps the listings of archives. Raises DataError for an archive that cannot be read, and for a root that is
    neither.
    """
    if root.is_file():
        if not is_archive(root.name):
            raise DataError(f"{root}: neither a folder nor an archive", f"Archives end in {', '.join(ARCHIVES)}.")
        return {file.name: file for file in _members(root, root.name, cache)}
    found: dict[str, TreeFile] = {}
    for folder, below, files in os.walk(root, followlinks=True):
        here = Path(folder)
        relative = here.relative_to(root)
        below[:] = [] if len(relative.parts) >= _DEPTH else sorted(name for name in below if _is_below(here, name))
        for file in sorted(files):
            path, name = here / file, (relative / file).as_posix()
            if file.startswith(".") or not path.is_file():  # a link to nowhere, a pipe
                continue
            if is_archive(file):
                found |= {member.name: member for member in _members(path, name, cache)}
            else:
                found[name] = plain_file(path, name)
    return dict(sorted(found.items()))


def _is_below(folder: Path, name: str) -> bool:
    """False for a hidden folder, and for a link that leads back up."""
    return not name.startswith(".") and not folder.resolve().is_relative_to((folder / name).resolve())


def plain_file(path: Path, name: str) -> TreeFile:
    """A file on disk under `name`."""
    facts = path.stat()
    return TreeFile(name, path, size=facts.st_size, stamp=_stamp(path, facts))


def _stamp(path: Path, facts: os.stat_result) -> str:
    # The resolved path is part of it: the hub's cache links every file to a blob whose name is a hash of its bytes.
    return fingerprint.of_json([str(path.resolve()), facts.st_size, facts.st_mtime_ns])


def _members(archive: Path, name: str, cache: Path) -> Iterator[TreeFile]:
    """The files inside `archive`, from its listing or by listing it now."""
    stamp = _stamp(archive, archive.stat())
    folder = cache / "archives" / fingerprint.of_json([_LISTING, stamp])[:24]
    listing = _listing(folder)
    if listing is None:
        listing = _list_archive(archive, folder)
    for place, (member, size) in enumerate(listing):
        below = _path_of(member)
        if below is not None:
            copy = _copy(folder, place)
            known = copy if copy.is_file() and copy.stat().st_size == size else None
            yield TreeFile(f"{name}/{below}", archive, member, size, f"{stamp}!{place}!{member}", known, place)


def _path_of(member: str) -> str | None:
    """`member` as a path below its archive: `./a//b` is `a/b`; None for hidden files and for paths that lead out."""
    parts = [part for part in member.split("/") if part not in ("", ".")]
    return None if not parts or any(part.startswith(".") for part in parts) else "/".join(parts)


def _copy(folder: Path, place: int) -> Path:
    return folder / f"{place:06d}"


def _listing(folder: Path) -> list[tuple[str, int]] | None:
    try:
        return [(str(name), int(size)) for name, size in json.loads((folder / "listing.json").read_text("utf-8"))]
    except (OSError, ValueError, TypeError):
        return None


def _list_archive(archive: Path, folder: Path) -> list[tuple[str, int]]:
    """List `archive` in one pass, keeping copies of its small members; the listing is written last."""
    listing: list[tuple[str, int]] = []
    for name, size, data in walk(archive, _SMALL):
        if data is not None:
            with atomic_writer(_copy(folder, len(listing))) as out:
                out.write(data)
        listing.append((name, size))
    # Names that are not UTF-8 hold surrogates, which only escapes can write.
    write_text(folder / "listing.json", json.dumps(listing, ensure_ascii=True))
    return listing
