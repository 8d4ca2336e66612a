"""The files below a folder, those inside its archives included, under one kind of name.

An archive is listed once for all runs, and read to its last byte on that occasion, so that one that is damaged or cut
off is refused and never taken for a smaller one. Its small members (topics, judgements) are copied beside the listing,
because reading one out of a compressed tar means unpacking everything before it; large members are read in place.
Nothing is ever written under the name of a member.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from harness._util import fingerprint
from harness._util.atomic import atomic_writer, write_text
from harness._util.lines import DAMAGE
from harness.errors import DataError

#: Folders below the one that was named are searched this deep: deep enough for every official layout.
_DEPTH = 6
#: Members of at most this many bytes are copied beside the listing of their archive.
_SMALL = 8 << 20
_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_ARCHIVES = (*_TAR, ".zip")
#: Part of every listing's key: changes whenever a listing means something else.
_LISTING = 2
#: What the archive modules raise for damage: RuntimeError is a zip with a password or an unknown compression,
#: ValueError a name that cannot be decoded or a number that makes no sense.
_UNREADABLE = (*DAMAGE, OSError, RuntimeError, ValueError, OverflowError, struct.error)


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
        return _open_member(self.path, self.member, self.place)


def list_tree(root: Path, cache: Path) -> dict[str, TreeFile]:
    """Every file below `root`, a folder or one archive, by name and in name order; hidden ones are left out.

    `cache` keeps the listings of archives. Raises DataError for an archive that cannot be read.
    """
    if root.is_file():
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
            if file.endswith(_ARCHIVES):
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
    for name, size, data in _walk(archive):
        if data is not None:
            with atomic_writer(_copy(folder, len(listing))) as out:
                out.write(data)
        listing.append((name, size))
    # Names that are not UTF-8 hold surrogates, which only escapes can write.
    write_text(folder / "listing.json", json.dumps(listing, ensure_ascii=True))
    return listing


def _walk(archive: Path) -> Iterator[tuple[str, int, bytes | None]]:
    """(name, size, bytes of a small file) of every file in `archive`. Raises DataError for a damaged one."""
    try:
        with ExitStack() as opened:
            for name, size, stream in _zip_files(archive, opened) if _is_zip(archive) else _tar_files(archive, opened):
                with stream:
                    data = stream.read() if size <= _SMALL else None
                if data is not None and len(data) != size:
                    raise EOFError(f"{name} has {len(data)} bytes of {size}")
                yield name, size, data
    except _UNREADABLE as error:
        raise DataError(f"{archive}: damaged archive ({error})", "Fetch the file again.") from error


def _is_zip(archive: Path) -> bool:
    return archive.name.endswith(".zip")


def _zip_files(archive: Path, opened: ExitStack) -> Iterator[tuple[str, int, IO[bytes]]]:
    """(name, size, stream) of the files of a zip archive, which is closed with `opened`."""
    zipped = opened.enter_context(zipfile.ZipFile(archive))
    for info in zipped.infolist():
        if not info.is_dir():
            yield info.filename, info.file_size, zipped.open(info)


def _tar_files(archive: Path, opened: ExitStack) -> Iterator[tuple[str, int, IO[bytes]]]:
    """(name, size, stream) of the files of a tar archive; a stream is good until the next step.

    tarfile's own unpacking never looks at checksums, so the compression is undone here, and everything is read to the
    end, where they stand.
    """
    packed = opened.enter_context(_uncompressed(archive))
    tarred = opened.enter_context(tarfile.open(fileobj=packed, mode="r|", tarinfo=_Header))
    for member in tarred:
        stream = tarred.extractfile(member) if member.isfile() else None
        if stream is not None:
            yield member.name, member.size, stream
    while packed.read(1 << 20):
        pass


def _uncompressed(archive: Path) -> IO[bytes]:
    with archive.open("rb") as raw:
        start = raw.read(6)
    if start.startswith(b"\x1f\x8b"):
        return gzip.open(archive)  # type: ignore[return-value]
    if start.startswith(b"BZh"):
        return bz2.open(archive)
    if start == b"\xfd7zXZ\0":
        return lzma.open(archive)
    return archive.open("rb")


class _Header(tarfile.TarInfo):
    """A tar header that cannot be read ends the reading; tarfile takes some of them for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """The header in `buf`, one block."""
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):  # the block of zeros behind the last file
                raise
            raise tarfile.ReadError(f"broken or missing header: {error}") from error


def _open_member(archive: Path, wanted: str, place: int) -> IO[bytes]:
    """The file at `place` in `archive`. Raises DataError where it is not the one that is wanted."""
    opened = ExitStack()
    try:
        files = _zip_files(archive, opened) if _is_zip(archive) else _tar_files(archive, opened)
        for number, (name, _, stream) in enumerate(files):
            if number == place and name == wanted:
                return _Closing(stream, opened.pop_all())
            if number >= place:
                break
            stream.close()
    except _UNREADABLE as error:
        raise DataError(f"{archive}: damaged archive ({error})", "Fetch the file again.") from error
    finally:
        opened.close()
    raise DataError(f"{archive}: no member {wanted!r} any more")


class _Closing(io.BufferedReader):
    """A member's stream that closes its archive when it is closed."""

    def __init__(self, stream: Any, archive: ExitStack) -> None:
        super().__init__(stream, 1 << 20)
        self._archive = archive

    def close(self) -> None:
        """Close stream and archive."""
        try:
            super().close()
        finally:
            self._archive.close()
