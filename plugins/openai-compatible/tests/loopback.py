"""An embeddings server on loopback that behaves as it is told to, well or badly."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

#: A function of (number of the request from 0, body) that gives (status, headers, answer), or None for a good answer.
Behaviour = Callable[[int, dict[str, Any]], "tuple[int, dict[str, str], Any] | None"]


def vector(text: str, dim: int) -> list[float]:
    """A unit vector that depends on the bytes of the text alone."""
    seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
    drawn = np.random.default_rng(seed).standard_normal(dim)
    return list(map(float, drawn / np.linalg.norm(drawn)))


class Server:
    """The server, with what it was asked: `bodies`, `headers`, `paths` and `times` in order of arrival."""

    def __init__(self, behaviour: Behaviour | None = None, *, dim: int = 12, stall: float = 0.0) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.times: list[float] = []
        self.behaviour = behaviour or (lambda number, body: None)
        self.dim = dim
        self.stall = stall
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with outer._lock:
                    number = len(outer.bodies)
                    outer.bodies.append(body)
                    outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                    outer.paths.append(self.path)
                    outer.times.append(time.monotonic())
                status, headers, answer = outer.behaviour(number, body) or (200, {}, outer.good(body))
                if status == 0:  # never answers
                    time.sleep(outer.stall)
                    return
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"content-length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def good(self, body: dict[str, Any]) -> dict[str, Any]:
        """What a well-behaved server answers: vectors in reverse order, because order is what `index` is for."""
        dim = body.get("dimensions", self.dim)
        rows = [{"index": i, "embedding": vector(text, dim)} for i, text in enumerate(body["input"])]
        return {"data": rows[::-1], "usage": {"prompt_tokens": sum(len(t.split()) for t in body["input"])}}

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
