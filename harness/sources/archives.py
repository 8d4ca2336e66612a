"""Archives, zip and tar, with their checksums looked at: a damaged one is refused and never taken for a smaller one."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Self

from harness._util.lines import DAMAGE
from harness.errors import DataError

#: How the names of archives end.
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
#: What the archive modules raise for damage: RuntimeError is a zip with a password or an unknown compression,
#: ValueError a name that cannot be decoded or a number that makes no sense.
_UNREADABLE = (*DAMAGE, OSError, RuntimeError, ValueError, OverflowError, struct.error)


def walk(archive: Path, small: int) -> Iterator[tuple[str, int, bytes | None]]:
    """(name, size, bytes) of every file in `archive`, no bytes of those larger than `small`.

    Raises DataError for an archive that is damaged or cut off. A large member of a zip archive has a checksum of its
    own, which is looked at when it is read.
    """
    try:
        with ExitStack() as opened:
            for name, size, stream in _zip_files(archive, opened) if _is_zip(archive) else _tar_files(archive, opened):
                with stream:
                    data = stream.read() if size <= small else None
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
    found, wanted = len(zipped.infolist()), _zip_count(archive)
    if wanted not in (found & 0xFFFF, 0xFFFF):
        raise zipfile.BadZipFile(f"{found} of {wanted} members are listed in it")
    for info in zipped.infolist():
        if info.file_size or not info.is_dir():
            yield info.filename, info.file_size, zipped.open(info)


def _zip_count(archive: Path) -> int:
    """The number of members as the end of a zip archive states it, which zipfile does not look at; 0xFFFF is many."""
    with archive.open("rb") as stream:
        stream.seek(max(0, archive.stat().st_size - (1 << 16) - 22))
        end = stream.read().rpartition(b"PK\5\6")[2]
    return int.from_bytes(end[6:8], "little")


def _tar_files(archive: Path, opened: ExitStack) -> Iterator[tuple[str, int, IO[bytes]]]:
    """(name, size, stream) of the files of a tar archive; a stream is good until the next step.

    tarfile's own unpacking never looks at checksums, so the compression is undone here, and everything is read to the
    end, where they stand.
    """
    packed = opened.enter_context(_uncompressed(archive))
    tarred = tarfile.open(fileobj=packed, mode="r|", tarinfo=_Header)  # noqa: SIM115  closed with `opened`
    opened.enter_context(tarred)
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


def open_member(archive: Path, wanted: str, place: int) -> IO[bytes]:
    """A stream of the file at `place` in `archive`. Raises DataError where it is not the one that is wanted."""
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
