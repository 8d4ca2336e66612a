"""A file from the web, resumed where an earlier attempt stopped."""

from __future__ import annotations

import os
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from harness import __version__
from harness._util.progress import Progress
from harness.errors import DataError

_BLOCK = 1 << 20
_ATTEMPTS = 5
_SECONDS = 60.0


def download(url: str, path: Path, progress: Progress) -> None:
    """Fetch `url` to `path`; what an interrupted attempt left in `<path>.part` is continued.

    A connection that breaks is taken up again, a few times. Raises DataError when it does not come to an end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    for attempt in range(_ATTEMPTS):
        before = _size(part)
        try:
            if _continue(url, part, progress):
                with part.open("rb+") as stream:
                    os.fsync(stream.fileno())
                os.replace(part, path)
                return
        except HTTPError as error:
            raise DataError(f"{url}: the server answers {error.code} {error.reason}") from error
        except (URLError, HTTPException, OSError) as error:
            if attempt == _ATTEMPTS - 1 or _size(part) == before:
                reason = getattr(error, "reason", None) or error
                raise DataError(
                    f"{url}: cannot be fetched ({reason})", "The same command goes on where this one stopped."
                ) from error
    raise DataError(f"{url}: broke off {_ATTEMPTS} times", "The same command goes on where this one stopped.")


def _continue(url: str, part: Path, progress: Progress) -> bool:
    """Fetch what is missing from `part`; true when it is whole."""
    start = _size(part)
    headers = {"User-Agent": f"lamir-harness/{__version__}", **({"Range": f"bytes={start}-"} if start else {})}
    marker = part.with_name(part.name + ".etag")
    if start and marker.is_file():
        headers["If-Range"] = marker.read_text("utf-8")
    try:
        answer = urlopen(Request(url, headers=headers), timeout=_SECONDS)
    except HTTPError as error:
        if error.code == 416 and start:  # nothing beyond what is there
            return error.headers.get("Content-Range", "").endswith(f"/{start}")
        raise
    with answer:
        resumed = answer.status == 206
        total = _total(answer, start if resumed else 0)
        _remember(marker, answer)
        with part.open("ab" if resumed else "wb") as stream, progress.task(f"fetching {url}", total) as advance:
            advance(start if resumed else 0)
            while block := answer.read(_BLOCK):
                stream.write(block)
                advance(len(block))
    whole = _size(part)
    if total and whole != total:
        return False
    marker.unlink(missing_ok=True)
    return True


def _remember(marker: Path, answer: Any) -> None:
    """Keep what identifies this version of the file, so that a part of another version is never continued."""
    tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
    if tag and not tag.startswith("W/"):
        marker.write_text(tag, "utf-8")


def _total(answer: Any, start: int) -> int:
    length = answer.headers.get("Content-Length")
    return start + int(length) if length is not None else 0


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
