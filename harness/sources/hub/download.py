"""A file from the web, resumed where an earlier attempt stopped.

Sites without a connection to the web, and tests, have copies of its files elsewhere: with HARNESS_WEB_MIRROR set to
`https://mirror.example/web`, `https://host/path` is fetched from `https://mirror.example/web/host/path`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from harness import __version__
from harness._util.progress import Progress
from harness.errors import DataError, UsageError

MIRROR = "HARNESS_WEB_MIRROR"

_BLOCK = 1 << 18
#: Attempts in a row that bring nothing new, before it is given up.
_ATTEMPTS = 4
#: Seconds without a byte, and seconds to wait before the second attempt; the third waits twice as long.
_TIMEOUT, _PAUSE = 60.0, 1.0
#: Answers that may be others a moment later.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
#: Failures to connect that an attempt a second later meets again.
_UNREACHABLE = (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError)
_GOES_ON = "The same command goes on where this one stopped."


class _Again(Exception):
    """What came is of no use, and another attempt may fare better."""


def download(url: str, path: Path, progress: Progress) -> None:
    """Fetch `url` to `path`; what an interrupted attempt left in `<path>.part` is continued.

    A connection that breaks is taken up again as long as that brings the file forward. A part is only continued where
    the server says that the file is still the same. Raises DataError when it does not come to an end.
    """
    address = mirrored(url)
    with _disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path):
        if path.is_file():  # another process has fetched it meanwhile
            return
        part = path.with_name(f"{path.name}.part")
        _fetch(address, part, progress)
        with _disk(path), part.open("rb+") as stream:
            os.fsync(stream.fileno())
            os.replace(part, path)
        _marker(part).unlink(missing_ok=True)


def mirrored(url: str) -> str:
    """Where to fetch `url` from: there, or at the mirror that the environment names."""
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    if not mirror:
        return url
    if urlsplit(mirror).scheme not in ("http", "https"):
        raise UsageError(f"{MIRROR} must be an address that begins with http:// or https://, not {mirror!r}")
    return f"{mirror}/{url.partition('://')[2]}"


def without_query(text: str) -> str:
    """`text` with the addresses in it cut at their query and freed of names and passwords: both may open doors."""
    return re.sub(r"(https?://)(?:[^\s/@]*@)?([^\s?'\"]*)(\?[^\s'\"]*)?", r"\1\2", text)


def _fetch(url: str, part: Path, progress: Progress) -> None:
    """Attempt after attempt until `part` is whole."""
    shown = without_query(url)
    best, failures = _size(part), 0
    while True:
        try:
            _attempt(url, part, progress)
            return
        except HTTPError as error:
            reason = f"the server answers {error.code} {error.reason}"
            if error.code not in _PASSING:
                raise DataError(f"{shown}: {reason}") from error
            cause: Exception = error
        except (_Again, HTTPException, OSError) as error:
            reason = without_query(str(getattr(error, "reason", None) or error) or type(error).__name__)
            if isinstance(error, URLError) and isinstance(error.reason, _UNREACHABLE):
                raise DataError(f"{shown}: cannot be reached ({reason})", _GOES_ON) from error
            cause = error
        failures = 1 if _size(part) > best else failures + 1
        best = max(best, _size(part))
        if failures >= _ATTEMPTS:
            raise DataError(f"{shown}: cannot be fetched ({reason})", _GOES_ON) from cause
        time.sleep(_PAUSE * failures)


def _attempt(url: str, part: Path, progress: Progress) -> None:
    """Fetch what is missing from `part`. Raises `_Again`, or what the connection does, where it is not whole then."""
    marker = _marker(part)
    known = marker.read_text("utf-8") if marker.is_file() else ""
    start = _size(part) if known else 0  # a part of nobody knows which version is not continued
    headers = {"User-Agent": f"lamir-harness/{__version__}"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": known}
    try:
        answer = urlopen(Request(url, headers=headers), timeout=_TIMEOUT)
    except HTTPError as error:
        if error.code != 416 or not start:
            raise
        if error.headers.get("Content-Range") == f"bytes */{start}" and _is_same(error, known):
            return  # there is nothing beyond what is here
        with _disk(part):
            part.unlink()
        raise _Again("the file is shorter than what was fetched of it") from error
    with answer:
        resumed = bool(start) and answer.status == 206
        if resumed and not _continues(answer, start, known):
            with _disk(part):
                part.unlink()
            raise _Again("the server sends another part of the file, or of another version")
        total = _total(answer, start if resumed else 0)
        with _disk(part):
            stream = part.open("ab" if resumed else "wb", buffering=0)  # what is written later may fail later
        with stream:
            if not resumed:  # after the old content has gone, and before the new begins
                _remember(marker, answer)
            with progress.task(f"fetching {without_query(url)}", total or 0) as advance:
                advance(start if resumed else 0)
                while block := answer.read1(_BLOCK):  # what is there: nothing waits in memory to be lost
                    rest = memoryview(block)
                    with _disk(part):
                        while rest:
                            rest = rest[stream.write(rest) :]
                    advance(len(block))
    if total is not None and _size(part) != total:
        raise _Again(f"{_size(part):,} of {total:,} bytes came")


def _continues(answer: Any, start: int, known: str) -> bool:
    """Whether a partial answer is what was asked for: from `start` on, of the version that is known."""
    return _is_same(answer, known) and (answer.headers.get("Content-Range") or "").startswith(f"bytes {start}-")


def _is_same(answer: Any, known: str) -> bool:
    """False where the answer says that it is of another version."""
    tag = answer.headers.get("ETag")
    return tag is None or not known.startswith('"') or tag == known


def _remember(marker: Path, answer: Any) -> None:
    """Keep what identifies this version of the file, so that a part of another version is never continued."""
    tag = answer.headers.get("ETag") or ""
    tag = tag if tag.startswith('"') else answer.headers.get("Last-Modified")
    with _disk(marker):
        if tag:
            marker.write_text(tag, "utf-8")
        else:
            marker.unlink(missing_ok=True)


def _total(answer: Any, start: int) -> int | None:
    """Bytes of the whole file, as far as the server says so."""
    length = answer.headers.get("Content-Length") or ""
    return start + int(length) if length.isdecimal() else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _marker(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock of `path`: two processes that append to one part would mix it."""
    lock = path.with_name(f"{path.name}.lock")
    with _disk(path):
        stream = lock.open("w")
    with stream:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Errors of the disk, told apart from those of the network: another attempt would not help."""
    try:
        yield
    except OSError as error:
        hint = "Free some space." if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Is the cache folder writable?"
        raise DataError(f"{path}: cannot be written ({error.strerror or error})", f"{hint} {_GOES_ON}") from error
