"""Reading text files line by line, so that no way of being damaged ends in a traceback, a hang or a shorter corpus.

A file is anything with `open()` that returns a binary stream, and a name for people: a path, or a member of an
archive. Gzip data is known by its first bytes, because a `.gz` that a browser has unpacked keeps its name.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from harness._util.names import did_you_mean
from harness.errors import DataError

#: The longest line that is read; a longer one is a file of another kind, or one whose line ends were lost.
LONGEST_LINE = 64 << 20

_GZIP = b"\x1f\x8b"
#: What the standard library raises for damaged gzip, tar and zip data.
DAMAGE = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, tarfile.TarError, zipfile.BadZipFile)


class Readable(Protocol):
    """A file, or a member of an archive; `str()` names it in messages."""

    def open(self) -> IO[bytes]:
        """A new binary stream from its first byte."""
        ...


class PlainFile:
    """A file on disk as a `Readable`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def open(self) -> IO[bytes]:
        """A new binary stream from its first byte."""
        return self.path.open("rb")


def as_readable(file: Path | Readable) -> Readable:
    """`file` itself, or the file at that path."""
    return PlainFile(file) if isinstance(file, Path) else file


@contextmanager
def unpacked(file: Path | Readable, advance: Callable[[int], None] | None = None) -> Iterator[IO[bytes]]:
    """A stream of the bytes of `file`, unpacked where they are gzip data.

    `advance(n)` is told of every n bytes read from the file itself. Raises DataError for a file that cannot be opened.
    """
    try:
        raw = as_readable(file).open()
    except (OSError, *DAMAGE) as error:
        raise DataError(f"{file}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    with raw:
        source: Any = raw if advance is None else _Counted(raw, advance)
        stream: Any = source if hasattr(source, "peek") else io.BufferedReader(source, 1 << 20)
        if stream.peek(2)[:2] == _GZIP:
            with gzip.GzipFile(fileobj=stream) as inner:
                yield inner  # type: ignore[misc]
        else:
            yield stream


def read_lines(file: Path | Readable, advance: Callable[[int], None] | None = None) -> Iterator[tuple[int, str]]:
    """(number, line) without line ends, blank lines left out.

    Raises DataError with file and line for what is not UTF-8, for damaged gzip data and for a line without end.
    """
    for number, line in _all_lines(file, advance):
        bare = line.rstrip("\r\n")
        if bare.strip():
            yield number, bare


def _all_lines(file: Path | Readable, advance: Callable[[int], None] | None) -> Iterator[tuple[int, str]]:
    """(number, line) with its end."""
    number = 0
    try:
        with unpacked(file, advance) as stream:
            while raw := stream.readline(LONGEST_LINE + 1):
                number += 1
                if len(raw) > LONGEST_LINE:
                    raise DataError(f"{file}:{number}: a line of more than {LONGEST_LINE >> 20} MiB")
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}:{number}: not UTF-8 ({error.reason} at byte {error.start})") from error
    except DAMAGE as error:
        raise DataError(f"{file}: damaged after line {number} ({error})", "Fetch the file again.") from error
    except OSError as error:
        raise DataError(f"{file}: cannot be read after line {number} ({error.strerror or error})") from error


def read_json_lines(
    file: Path | Readable, advance: Callable[[int], None] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, object) of a JSONL file. Raises DataError with file and line for a line that is no JSON object."""
    for number, line in read_lines(file, advance):
        row = _json(line, f"{file}:{number}")
        if not isinstance(row, dict):
            raise DataError(f"{file}:{number}: a JSON object is expected, not {type(row).__name__}")
        yield number, row


def read_tab_separated(
    file: Path | Readable,
    names: tuple[str, ...],
    advance: Callable[[int], None] | None = None,
    *,
    header: Callable[[list[str]], bool] | None = None,
) -> Iterator[tuple[int, list[str]]]:
    """(number, fields) of a file whose lines have one field for each of `names`, without quoting.

    A first line for which `header(fields)` is true is left out. Raises DataError for any other number of fields.
    """
    for number, line in read_lines(file, advance):
        fields = line.split("\t")
        if number == 1 and header is not None and header(fields):
            continue
        if len(fields) != len(names):
            raise DataError(
                f"{file}:{number}: {len(fields)} tab-separated field(s) where {len(names)} are expected: "
                f"{', '.join(names)}"
            )
        yield number, fields


def read_quoted_tab_separated(
    file: Path | Readable, names: tuple[str, ...], advance: Callable[[int], None] | None = None
) -> Iterator[tuple[int, list[str]]]:
    """(number of the last line, fields) of a file written by Python's csv module with tabs: quotes are doubled.

    Raises DataError as `read_tab_separated` does, and for a quote that is opened and never closed.
    """
    number = 0

    def lines() -> Iterator[str]:
        nonlocal number
        for at, line in _all_lines(file, advance):
            number = at
            yield line

    rows = csv.reader(lines(), delimiter="\t", strict=True)
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))  # for all readers: it is not put back under them
    try:
        for fields in rows:
            if not fields:  # a blank line
                continue
            if len(fields) != len(names):
                raise DataError(
                    f"{file}:{number}: {len(fields)} tab-separated field(s) where {len(names)} are expected: "
                    f"{', '.join(names)}"
                )
            yield number, fields
    except csv.Error as error:
        raise DataError(f"{file}:{number}: not tab-separated data as csv writes it ({error})") from error


def read_json(file: Path | Readable) -> Any:
    """The one JSON value of `file`. Raises DataError where it is none."""
    try:
        with unpacked(file) as stream:
            data = stream.read()
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 ({error.reason} at byte {error.start})") from error
    except DAMAGE as error:
        raise DataError(f"{file}: damaged ({error})", "Fetch the file again.") from error
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror or error})") from error
    return _json(text, str(file))


def string_field(row: dict[str, Any], key: str, where: str) -> str:
    """`row[key]` as a non-empty string; integers become strings. Raises DataError that begins with `where`."""
    if key not in row:
        raise DataError(f"{where}: no {key!r} field", did_you_mean(key, row))
    value = row[key]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise DataError(f"{where}: {key!r} must be a non-empty string, not {value!r:.80}")
    return valid_text(value, repr(key), where)


def text_field(row: dict[str, Any], key: str, where: str) -> str:
    """`row[key]` as a string that is not all white space, unchanged. Raises DataError that begins with `where`."""
    text = row.get(key)
    if not isinstance(text, str):
        raise DataError(f"{where}: {key!r} must be a string, not {type(text).__name__}", did_you_mean(key, row))
    if not text.strip():
        raise DataError(f"{where}: empty {key}")
    return valid_text(text, key, where)


def optional_text_field(row: dict[str, Any], key: str, where: str) -> str:
    """`row[key]` as a string; "" where it is absent or null. Raises DataError that begins with `where`."""
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(f"{where}: {key!r} must be a string, not {type(value).__name__}")
    return valid_text(value, repr(key), where)


def valid_text(text: str, what: str, where: str) -> str:
    """`text` itself. Raises DataError for a lone surrogate, which JSON can spell and UTF-8 cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(f"{where}: {what} holds a lone surrogate, which is no character") from None
    return text


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also for a number of too many digits
        raise DataError(f"{where}: not valid JSON ({error})") from error


class _Counted(io.RawIOBase):
    """A stream that tells how much was read from it."""

    def __init__(self, stream: IO[bytes], advance: Callable[[int], None]) -> None:
        self._stream = stream
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._advance(len(data))
        return len(data)
