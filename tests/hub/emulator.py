"""A Hugging Face Hub on the loopback interface, for the real client libraries.

It speaks what `huggingface_hub`, `datasets` and mteb ask for when they read a dataset repository: its metadata, the
tree of a revision, single paths, and the files. As on the Hub, small text files come from the endpoint itself, and
files under Git LFS are redirected to another host (here the same server, under the name localhost).
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

# What the Hub's default .gitattributes puts under Git LFS, of the formats that datasets come in; larger files follow.
_LFS_SUFFIXES = frozenset({".arrow", ".bz2", ".gz", ".npz", ".parquet", ".tar", ".tgz", ".xz", ".zip", ".zst"})
_LFS_SIZE = 10 * 2**20
_POINTER_SIZE = 134
_BLOCK = 2**16
_DATE = "2024-01-01T00:00:00.000Z"
_OPEN_FILES = frozenset({"README.md"})


@dataclass
class Repo:
    """A dataset repository at one commit.

    A gated repository shows its metadata and its README.md to everybody, and the rest to who sends `token`. A
    repository that has a token and is not gated is private: without the token it does not exist.
    """

    id: str
    commit: str
    files: Mapping[str, bytes]
    gated: bool = False
    token: str | None = None

    def __post_init__(self) -> None:
        if len(self.commit) != 40 or set(self.commit) - set("0123456789abcdef"):
            raise ValueError(f"not a commit: {self.commit!r}")
        if self.gated and self.token is None:
            raise ValueError("a gated repository needs the token that opens it")

    def resolves(self, revision: str) -> bool:
        """Whether a revision names this commit: its hash, or the branch main."""
        return revision in {self.commit, "main", "refs/heads/main"}

    def is_lfs(self, path: str) -> bool:
        """Whether a file is under Git LFS, so that it is downloaded from the other host."""
        return PurePosixPath(path).suffix in _LFS_SUFFIXES or len(self.files[path]) > _LFS_SIZE

    def oid(self, path: str) -> str:
        """The git blob of a file, which for a file under Git LFS is its pointer."""
        data = self.files[path]
        if self.is_lfs(path):
            head = "version https://git-lfs.github.com/spec/v1"
            data = f"{head}\noid sha256:{self.sha256(path)}\nsize {len(data)}\n".encode()
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()

    def sha256(self, path: str) -> str:
        """The name under which Git LFS keeps a file."""
        return hashlib.sha256(self.files[path]).hexdigest()

    def etag(self, path: str) -> str:
        """What the clients name a cached file by."""
        return self.sha256(path) if self.is_lfs(path) else self.oid(path)

    def folders(self) -> set[str]:
        """Every folder that the files imply, without the root."""
        return {str(folder) for path in self.files for folder in PurePosixPath(path).parents} - {"."}

    def entry(self, path: str, *, expand: bool) -> dict[str, Any]:
        """A file or a folder as the API lists it."""
        out: dict[str, Any] = {"type": "directory", "oid": hashlib.sha1(path.encode()).hexdigest(), "size": 0}
        if path in self.files:
            out = {"type": "file", "oid": self.oid(path), "size": len(self.files[path])}
            if self.is_lfs(path):
                out["lfs"] = {"oid": self.sha256(path), "size": out["size"], "pointerSize": _POINTER_SIZE}
        out["path"] = path
        if expand:
            out["lastCommit"] = {"id": self.commit, "title": "Upload", "date": _DATE}
        return out

    def info(self, *, blobs: bool) -> dict[str, Any]:
        """The repository as the API describes it."""
        siblings: list[dict[str, Any]] = [{"rfilename": path} for path in sorted(self.files)]
        for sibling in siblings if blobs else []:
            entry = self.entry(sibling["rfilename"], expand=False)
            sibling |= {"size": entry["size"], "blobId": entry["oid"]}
            if lfs := entry.get("lfs"):
                sibling["lfs"] = {"sha256": lfs["oid"], "size": lfs["size"], "pointerSize": lfs["pointerSize"]}
        return {
            "_id": self.commit[:24],
            "id": self.id,
            "author": self.id.partition("/")[0],
            "sha": self.commit,
            "createdAt": _DATE,
            "lastModified": _DATE,
            "private": self.token is not None and not self.gated,
            "gated": "auto" if self.gated else False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "siblings": siblings,
        }


class Request(NamedTuple):
    """One request that was answered.

    `file` is the path inside the repository `repo`, where the request was for one of its files, whichever host it
    came from. `sent` counts the bytes of the body that went out.
    """

    method: str
    path: str
    status: int
    sent: int
    repo: str | None = None
    file: str | None = None
    range: str | None = None
    host: str = ""
    token: str | None = None


@dataclass
class _Fault:
    """What is to go wrong with a file, and how often yet."""

    path: str
    times: int
    status: int | None = None
    after: int | None = None
    method: str | None = None

    def fits(self, path: str, file: str | None, method: str) -> bool:
        """Whether it concerns this request."""
        return self.times > 0 and self.path in {path, file} and self.method in {None, method}


class HubEmulator:
    """The server; a context manager that listens from `__enter__` to `__exit__` or `close`.

    `page` is how many entries a listing holds at most before the client is sent to the next page.
    """

    def __init__(self, repos: Iterable[Repo] = (), *, page: int = 1000) -> None:
        self.page = page
        self._repos: dict[str, Repo] = {}
        self._requests: list[Request] = []
        self._faults: list[_Fault] = []
        self._idle = threading.Condition()
        self._busy = 0
        self._connections: set[socket.socket] = set()
        self._server: _Server | None = None
        self._port = 0
        for repo in repos:
            self.add(repo)

    def __enter__(self) -> HubEmulator:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hub = self
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Go down: stop listening, and cut the connections that clients keep open."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        with self._idle:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def add(self, repo: Repo) -> Repo:
        """Put a repository up, in place of one with its id, and return it."""
        self._repos[repo.id] = repo
        return repo

    @property
    def endpoint(self) -> str:
        """What HF_ENDPOINT is to be."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def storage(self) -> str:
        """The other host, from which files under Git LFS are downloaded."""
        return f"http://localhost:{self._port}"

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in the order in which the answers were finished."""
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, timeout=10)
            return list(self._requests)

    def fetched(self, repo: str) -> dict[str, int]:
        """The files of a repository that were downloaded, with the bytes of them that were sent."""
        out: dict[str, int] = {}
        for request in self.requests:
            if request.repo == repo and request.file is not None and request.sent and request.status in {200, 206}:
                out[request.file] = out.get(request.file, 0) + request.sent
        return out

    def forget(self) -> None:
        """Empty the record of requests, and take back the faults."""
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, timeout=10)
            self._requests.clear()
            self._faults.clear()

    def drop_after(self, path: str, nbytes: int, times: int = 1) -> None:
        """Cut the connection after nbytes of the body of a file (a path inside its repository, or a URL's path)."""
        self._faults.append(_Fault(path, times, after=nbytes))

    def fail(self, path: str, status: int, times: int = 1, *, method: str | None = None) -> None:
        """Answer the next requests for a file (or for a URL's path) with an HTTP status; `method` narrows it down."""
        self._faults.append(_Fault(path, times, status=status, method=method))

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """A subprocess's whole environment: ours without its Hub settings and proxies, pointed at this server.

        `home` becomes HF_HOME; HOME stays. `more` is added at the end, say `HF_TOKEN` or `HF_HUB_OFFLINE`.
        """
        ours = ("HF_", "HUGGING", "TRANSFORMERS_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "MTEB_")
        return {
            **{name: value for name, value in os.environ.items() if not name.upper().startswith(ours)},
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",  # `datasets` would ask an S3 bucket
            "MTEB_CACHE": str(home / "mteb"),
            "NO_PROXY": "127.0.0.1,localhost",
            **more,
        }

    def repo(self, repo_id: str) -> Repo | None:
        """The repository of an id, if there is one."""
        return self._repos.get(repo_id)

    def begin(self, connection: socket.socket) -> None:
        """A request is being answered."""
        with self._idle:
            self._busy += 1
            self._connections.add(connection)

    def end(self, request: Request | None) -> None:
        """A request was answered."""
        with self._idle:
            self._busy -= 1
            if request is not None:
                self._requests.append(request)
            self._idle.notify_all()

    def hang_up(self, connection: socket.socket) -> None:
        """A connection is over."""
        with self._idle:
            self._connections.discard(connection)

    def fault(self, path: str, file: str | None, method: str, *, body: bool) -> _Fault | None:
        """The fault that is due for this request, used up by one: one with a status, or (`body`) one that cuts."""
        with self._idle:
            for fault in self._faults:
                if (fault.after is not None) == body and fault.fits(path, file, method):
                    fault.times -= 1
                    return fault
        return None


class _Server(ThreadingHTTPServer):
    """The listening socket, and the way from a handler to its emulator."""

    daemon_threads = True
    hub: HubEmulator


class _Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str = "", message: str = "", headers: Mapping[str, str] | None = None):
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""

    def finish(self) -> None:
        """Forget the connection."""
        self.server.hub.hang_up(self.connection)
        super().finish()

    def do_GET(self) -> None:
        """Answer, and record what was answered."""
        self.hub = self.server.hub
        self.hub.begin(self.connection)
        self.status, self.sent = 0, 0
        self.about: tuple[str | None, str | None] = (None, None)
        sent = int(self.headers.get("Content-Length") or 0)
        self.form = parse_qs(self.rfile.read(sent).decode(), keep_blank_values=True)
        url = urlsplit(self.path)
        self.segments = [unquote(part) for part in url.path.strip("/").split("/")]
        self.query = parse_qs(url.query, keep_blank_values=True)
        self.token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        try:
            try:
                self._route(url.path)
            except _Refused as error:
                self._refuse(error)
        except OSError:
            self.close_connection = True  # the client went away, or the emulator
        finally:
            repo, file = self.about
            host = self.headers.get("Host", "")
            answer = (self.command, self.path, self.status, self.sent)
            self.hub.end(Request(*answer, repo, file, self.headers.get("Range"), host, self.token))

    do_HEAD = do_POST = do_GET

    def _route(self, path: str) -> None:
        """Find what was asked for."""
        match [self.command, *self.segments]:
            case ["HEAD" | "GET", "datasets", owner, name, "resolve", revision, *file] if file:
                self._resolve(f"{owner}/{name}", revision, "/".join(file), path)
            case ["HEAD" | "GET", "storage", owner, name, commit, *file] if file:
                self._storage(f"{owner}/{name}", commit, "/".join(file), path)
            case ["GET", "api", "whoami-v2"]:
                self._whoami()
            case ["GET" | "POST", "api", "datasets", owner, name, *rest]:
                self._api(f"{owner}/{name}", rest, path)
            case _:
                raise _Refused(404, message="no such page")

    def _whoami(self) -> None:
        """Who a token belongs to."""
        if self.token is None:
            raise _Refused(401, message="Invalid username or password.")
        self._json({"type": "user", "name": "tester", "auth": {"type": "access_token"}})

    def _api(self, repo_id: str, rest: list[str], path: str) -> None:
        """Metadata, a listing, or single paths."""
        self.about = (repo_id, None)
        self._heed_faults(path)
        repo = self._find(repo_id)
        revision = rest[1] if len(rest) > 1 else "main"
        if rest[:1] != ["refs"]:
            self._check(repo, revision)
        match [self.command, *rest]:
            case ["GET"] | ["GET", "revision", _]:
                self._json(repo.info(blobs="blobs" in self.query))
            case ["GET", "refs"]:
                main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repo.commit}
                self._json({"branches": [main], "converts": [], "tags": []})
            case ["GET", "tree", _, *folder]:
                self._admit(repo)
                self._tree(repo, "/".join(folder))
            case ["POST", "paths-info", _]:
                self._admit(repo)
                known = repo.folders() | set(repo.files)
                expand = self.form.get("expand") in (["true"], ["True"])
                paths = [asked.strip("/") for asked in self.form.get("paths", [])]
                self._json([repo.entry(asked, expand=expand) for asked in paths if asked in known])
            case _:
                raise _Refused(404, message="no such page")

    def _tree(self, repo: Repo, folder: str) -> None:
        """One page of a listing."""
        if folder and folder not in repo.folders():
            raise _Refused(404, "EntryNotFound", f"{folder} does not exist on {repo.commit}")
        recursive, expand = (self.query.get(name) in (["true"], ["True"]) for name in ("recursive", "expand"))
        start = f"{folder}/" if folder else ""
        paths = sorted(path for path in repo.folders() | set(repo.files) if path.startswith(start))
        if not recursive:
            paths = [path for path in paths if "/" not in path[len(start) :]]
        first = int(self.query.get("cursor", ["0"])[0])
        last = first + min(int(self.query.get("limit", [self.hub.page])[0]), self.hub.page)
        headers = {}
        if last < len(paths):
            query = {name: values[-1] for name, values in self.query.items()} | {"cursor": str(last)}
            headers["Link"] = f'<{self.hub.endpoint}{urlsplit(self.path).path}?{urlencode(query)}>; rel="next"'
        self._json([repo.entry(path, expand=expand) for path in paths[first:last]], headers)

    def _resolve(self, repo_id: str, revision: str, file: str, path: str) -> None:
        """A file by its name, or the way to where it is stored."""
        self.about = (repo_id, file)
        self._heed_faults(path)
        repo = self._find(repo_id)
        self._check(repo, revision)
        commit = {"X-Repo-Commit": repo.commit}
        if file not in _OPEN_FILES:
            self._admit(repo, commit)
        if file not in repo.files:
            raise _Refused(404, "EntryNotFound", "Entry not found", commit)
        etag = f'"{repo.etag(file)}"'
        if not repo.is_lfs(file):
            self._file(repo.files[file], {**commit, "ETag": etag}, path)
            return
        query = urlencode({"signature": repo.etag(file)})
        location = f"{self.hub.storage}/storage/{repo.id}/{repo.commit}/{quote(file)}?{query}"
        size = str(len(repo.files[file]))
        headers = {"Location": location, "X-Linked-Size": size, "X-Linked-Etag": etag, "ETag": etag}
        self._send(302, b"", {**commit, **headers, "Accept-Ranges": "bytes"})

    def _storage(self, repo_id: str, commit: str, file: str, path: str) -> None:
        """A file under Git LFS; who knows its signature needs no token."""
        self.about = (repo_id, file)
        self._heed_faults(path)
        repo = self.hub.repo(repo_id)
        if repo is None or repo.commit != commit or file not in repo.files:
            raise _Refused(404, message="no such object")
        if self.query.get("signature") != [repo.etag(file)]:
            raise _Refused(403, message="the signature does not fit")
        self._file(repo.files[file], {"ETag": f'"{repo.etag(file)}"'}, path)

    def _find(self, repo_id: str) -> Repo:
        """The repository, if who asks may know of it."""
        repo = self.hub.repo(repo_id)
        if repo is None or (repo.token and not repo.gated and repo.token != self.token):
            raise _Refused(404 if self.token else 401, "RepoNotFound", "Repository not found")
        return repo

    def _check(self, repo: Repo, revision: str) -> None:
        """Turn down a revision that there is not."""
        if not repo.resolves(revision):
            raise _Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")

    def _admit(self, repo: Repo, headers: Mapping[str, str] | None = None) -> None:
        """Turn down who may not read a gated repository."""
        if not repo.gated or self.token == repo.token:
            return
        wish = "You must be authenticated to access it."
        if self.token:
            wish = "you are not in the authorized list."
        message = f"Access to dataset {repo.id} is restricted. {wish}"
        raise _Refused(403 if self.token else 401, "GatedRepo", message, headers)

    def _heed_faults(self, path: str) -> None:
        """Fail where a test wants it."""
        if fault := self.hub.fault(path, self.about[1], self.command, body=False):
            raise _Refused(fault.status or 500, message="a fault, as the test ordered")

    def _file(self, data: bytes, headers: Mapping[str, str], path: str) -> None:
        """The bytes of a file, or the range of them that was asked for."""
        headers = {**headers, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        asked = self.headers.get("Range")
        if asked is None:
            self._send(200, data, headers, path)
            return
        span = _span(asked, len(data))
        if span is None:
            raise _Refused(416, message="no such range", headers={"Content-Range": f"bytes */{len(data)}"})
        first, last = span
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        self._send(206, data[first : last + 1], headers, path)

    def _json(self, value: Any, headers: Mapping[str, str] | None = None) -> None:
        """A value as JSON."""
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _refuse(self, error: _Refused) -> None:
        """An error, with the headers from which the client makes its exceptions."""
        headers = {"Content-Type": "application/json", **error.headers}
        if error.code:
            headers["X-Error-Code"] = error.code
        if error.message:
            headers["X-Error-Message"] = error.message
        self._send(error.status, json.dumps({"error": error.message}).encode(), headers)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], path: str | None = None) -> None:
        """Write an answer; the body of a file may be cut short."""
        self.status = status
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        end = len(body)
        if path is not None and (fault := self.hub.fault(path, self.about[1], self.command, body=True)):
            end = min(fault.after or 0, end)
            self.close_connection = True
        for start in range(0, end, _BLOCK):
            block = body[start : min(start + _BLOCK, end)]
            self.wfile.write(block)
            self.sent += len(block)


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """The first and the last byte of a Range header; None if there is no such byte."""
    unit, _, value = asked.partition("=")
    start, dash, end = value.partition("-")
    if unit.strip() != "bytes" or not dash or "," in value:
        return None
    first = int(start) if start else max(size - int(end), 0)
    last = min(int(end), size - 1) if start and end else size - 1
    return (first, last) if first <= last else None
