"""A web server on the loopback interface that serves a few files, as well or as badly as a test wants."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

_CHUNK = 10_000


class Asked(NamedTuple):
    """One request that was answered, and how many bytes of its body went out."""

    path: str
    range: str | None
    status: int
    sent: int


@dataclass
class Page:
    """A file, and what is wrong with the server it is on.

    `drops` are the numbers of bytes after which the next connections break, `statuses` what the next requests are
    answered with. After `stalls` bytes nothing more comes until a test sets `over`. `length` is what the header
    claims, and `silent` seconds go by before the first byte.
    """

    data: bytes
    etag: str | None = None
    modified: str | None = None
    ranges: bool = True
    heeds_if_range: bool = True
    first_byte: int | None = None
    length: int | None = None
    chunked: bool = False
    silent: float = 0
    drops: list[int] = field(default_factory=list)
    stalls: list[int] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    statuses: list[int] = field(default_factory=list)


class Web(ThreadingHTTPServer):
    """The server; `pages` by path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, Page] = {}
        self.answers: list[Asked] = []
        self.idle = threading.Condition()
        self.busy = 0

    @property
    def asked(self) -> list[Asked]:
        """Every request so far, in the order in which the answers were finished."""
        with self.idle:
            self.idle.wait_for(lambda: not self.busy, timeout=10)
            return list(self.answers)

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def put(self, url: str, data: bytes, **behaviour: object) -> Page:
        """Serve `data` as the mirror of `url`, or under a path."""
        path = "/" + url.partition("://")[2] if "://" in url else url
        tag = '"' + hashlib.sha256(data).hexdigest()[:16] + '"'
        page = self.pages[path] = Page(data, **{"etag": tag, **behaviour})  # type: ignore[arg-type]
        return page

    def fetched(self) -> list[str]:
        """The paths that were answered with content, in order."""
        return [asked.path for asked in self.asked if asked.status in (200, 206)]


@contextmanager
def serving() -> Iterator[Web]:
    """A server for the time of a test."""
    with Web() as web:
        threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True).start()
        yield web
        web.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Web

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""

    def do_GET(self) -> None:
        """One page, or a part of it."""
        with self.server.idle:
            self.server.busy += 1
        page = self.server.pages.get(self.path)
        asked, status, sent = self.headers.get("Range"), 404, 0
        try:
            if page is None:
                self.send_error(404)
            elif page.statuses:
                status = page.statuses.pop(0)
                self.send_error(status)
            else:
                status, sent = self._send(page, asked)
        except OSError:
            self.close_connection = True
        finally:
            with self.server.idle:
                self.server.busy -= 1
                self.server.answers.append(Asked(self.path, asked, status, sent))
                self.server.idle.notify_all()

    def _send(self, page: Page, asked: str | None) -> tuple[int, int]:
        time.sleep(page.silent)
        known = self.headers.get("If-Range")
        fits = known is None or known in (page.etag, page.modified) or not page.heeds_if_range
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and page.ranges and fits else None
        headers = {"ETag": page.etag, "Last-Modified": page.modified}
        if start is not None and start >= len(page.data):
            return 416, self._answer(416, b"", {**headers, "Content-Range": f"bytes */{len(page.data)}"}, page)
        if start is None:
            return 200, self._answer(200, page.data, headers, page)
        start = start if page.first_byte is None else page.first_byte
        headers["Content-Range"] = f"bytes {start}-{len(page.data) - 1}/{len(page.data)}"
        return 206, self._answer(206, page.data[start:], headers, page)

    def _answer(self, status: int, body: bytes, headers: dict[str, str | None], page: Page) -> int:
        self.send_response(status)
        if page.chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(len(body) if page.length is None else page.length)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        end = len(body)
        if page.stalls:
            sent = page.stalls.pop(0)
            self.wfile.write(body[:sent])
            page.over.wait(30)
            self.close_connection = True
            return sent
        if page.drops and status != 416:
            end = min(page.drops.pop(0), end)
            self.close_connection = True
        if page.length is not None:
            self.close_connection = True
        if not page.chunked:
            self.wfile.write(body[:end])
            return end
        for first in range(0, end, _CHUNK):
            chunk = body[first : min(first + _CHUNK, end)]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if end == len(body):
            self.wfile.write(b"0\r\n\r\n")
        return end
