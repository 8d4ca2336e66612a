"""Text and the files it lies in: the form in which texts are compared, fingerprints of files, lines and blocks.

Every file may be gzipped; that is known by its first bytes, not by its name. Files are streamed: no reader holds more
than a line or a block of one. Damage of any kind is a `DataError` (a `UsageError`) that names the file, the line where
there is one, and what to do.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness._util.lines import DAMAGE, read_json_lines, read_lines, unpacked
from harness.errors import DataError

__all__ = ["blocks", "fingerprint", "json_lines", "lines", "normalise"]

#: Bytes of a block.
BLOCK = 1 << 20

_UTF8 = "Text is read as UTF-8; convert the file, for example with `iconv -f LATIN1 -t UTF-8`."
_JSON = "Every line must be one JSON object. Is the file cut off, or of another format? Set the source's `format`."
_PATH = "Check the path and the permissions of the file."
_AGAIN = "Fetch the file again."
_EMPTY = "Remove it from the recipe."


def normalise(text: str) -> str:
    """Return the form in which two texts are called equal: NFKC, case and spacing folded."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def fingerprint(path: Path) -> str:
    """Return the SHA-256 (64 hex digits) of a file's bytes as stored."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number, line) without line ends, blank lines left out; numbers count blank lines too.

    Raises:
        DataError: the file cannot be opened, is damaged, not UTF-8, or holds no text; a line is longer than 64 MiB.
    """
    yield from _some(path, read_lines(path))


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (number, object) of a file with a JSON object on every line.

    Raises:
        DataError: as `lines`, and for a line that is no JSON object.
    """
    yield from _some(path, read_json_lines(path))


def blocks(path: Path, size: int = BLOCK) -> Iterator[bytes]:
    """Yield the unpacked bytes of a file, at most `size` at a time.

    Raises:
        DataError: the file cannot be opened or is damaged.
    """
    count = 0
    try:
        with unpacked(path) as stream:
            while block := stream.read(size):
                yield block
                count += len(block)
    except DataError as error:
        raise DataError(error.message, error.hint or _PATH) from error
    except DAMAGE as error:
        raise DataError(f"{path}: damaged after {count} bytes of its content ({error})", _AGAIN) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})", _PATH) from error


def _some(path: Path, found: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """Pass on what is found; give errors the hints that a recipe's author needs; refuse a file without anything."""
    empty = True
    try:
        for item in found:
            empty = False
            yield item
    except DataError as error:
        raise DataError(error.message, error.hint or _hint(error.message)) from error
    if empty:
        raise DataError(f"{path}: the file holds no text", _EMPTY)


def _hint(message: str) -> str:
    """Say what to do about an error of the core's readers, which know nothing of recipes."""
    if "not UTF-8" in message:
        return _UTF8
    if "JSON" in message:
        return _JSON
    return _PATH
