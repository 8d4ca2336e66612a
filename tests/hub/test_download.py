"""Files of the web: whole or not there at all, whatever the server does."""

from __future__ import annotations

import errno
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness._util.progress import NO_PROGRESS
from harness.errors import DataError, UsageError
from harness.sources.hub import download as module
from harness.sources.hub.download import download, mirrored, without_query

from .web import Asked, Web, serving

DATA = random.Random(1).randbytes(300_000)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server, and a client in a hurry."""
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    monkeypatch.setattr(module, "_TIMEOUT", 5.0)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with serving() as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to be."""
    return tmp_path / "downloads" / "file.bin"


def _left(path: Path) -> set[str]:
    """What is in the folder but the lock."""
    return {found.name for found in path.parent.iterdir()} - {f"{path.name}.lock"} if path.parent.is_dir() else set()


def _fetch(web: Web, path: Path) -> None:
    download(f"{web.address}/file.bin", path, NO_PROGRESS)


def test_a_file_is_fetched_and_nothing_else_is_left(web: Web, path: Path) -> None:
    """One request, the bytes as they are, and neither a part nor a marker beside them."""
    web.put("/file.bin", DATA)
    _fetch(web, path)
    assert path.read_bytes() == DATA
    assert _left(path) == {"file.bin"}
    _fetch(web, path)
    assert web.asked == [Asked("/file.bin", None, 200, len(DATA))]


def test_a_broken_connection_is_resumed(web: Web, path: Path) -> None:
    """Every break goes on from where it was, as often as it brings the file forward."""
    web.put("/file.bin", DATA, drops=[1000, 50_000, 1, 100_000, 1, 1, 1])
    _fetch(web, path)
    assert path.read_bytes() == DATA
    assert [asked.range for asked in web.asked[:3]] == [None, "bytes=1000-", "bytes=51000-"]
    assert sum(asked.sent for asked in web.asked) == len(DATA)


def test_another_process_goes_on_where_one_was_killed(web: Web, path: Path) -> None:
    """What counts is on the disk: a part with the marker of the version that the server still has."""
    page = web.put("/file.bin", DATA)
    path.parent.mkdir()
    path.with_name("file.bin.part").write_bytes(DATA[:70_000])
    path.with_name("file.bin.part.etag").write_text(str(page.etag))
    _fetch(web, path)
    assert path.read_bytes() == DATA
    assert web.asked == [Asked("/file.bin", "bytes=70000-", 206, len(DATA) - 70_000)]
    assert _left(path) == {"file.bin"}


@pytest.mark.parametrize("marker", [None, '"of another version"'])
@pytest.mark.parametrize("heeds", [True, False])
@pytest.mark.parametrize("size", [70_000, 300_000, 400_000])
def test_a_part_of_another_version_is_never_continued(
    web: Web, path: Path, marker: str | None, heeds: bool, size: int
) -> None:
    """A part of an unknown or another version is thrown away, even where the server does not heed If-Range."""
    web.put("/file.bin", DATA, heeds_if_range=heeds)
    path.parent.mkdir()
    path.with_name("file.bin.part").write_bytes(bytes(size))
    if marker:
        path.with_name("file.bin.part.etag").write_text(marker)
    _fetch(web, path)
    assert path.read_bytes() == DATA
    assert _left(path) == {"file.bin"}


def test_a_file_that_changes_meanwhile_is_fetched_from_its_start(
    web: Web, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second half never comes from another file than the first."""
    web.put("/file.bin", bytes(len(DATA)), drops=[100_000])
    with monkeypatch.context() as patched, pytest.raises(DataError, match=r"100,000 of 300,000 bytes came"):
        patched.setattr(module, "_ATTEMPTS", 1)
        _fetch(web, path)
    assert _left(path) == {"file.bin.part", "file.bin.part.etag"}
    web.put("/file.bin", DATA, drops=[50_000])
    _fetch(web, path)
    assert path.read_bytes() == DATA
    assert [(asked.range, asked.status) for asked in web.asked[1:]] == [
        ("bytes=100000-", 200),
        ("bytes=50000-", 206),
    ]


@pytest.mark.parametrize(
    "behaviour",
    [
        {"ranges": False},
        {"etag": None},
        {"etag": None, "modified": "Mon, 01 Jan 2024 00:00:00 GMT"},
        {"etag": 'W/"weak"'},
        {"etag": 'W/"weak"', "modified": "Mon, 01 Jan 2024 00:00:00 GMT"},
        {"chunked": True},
        {"first_byte": 7},
    ],
    ids=str,
)
def test_servers_that_know_less(web: Web, path: Path, behaviour: dict[str, Any]) -> None:
    """Without ranges, without a name for the version, without a length, with a wrong range: slower, and never wrong."""
    page = web.put("/file.bin", DATA, drops=[100_000], **behaviour)
    if "first_byte" in behaviour:
        page.drops.append(len(DATA))
    _fetch(web, path)
    assert path.read_bytes() == DATA
    assert _left(path) == {"file.bin"}
    resumed = [asked.range for asked in web.asked if asked.status == 206]
    assert resumed == (["bytes=100000-"] if page.modified or page.chunked or "first_byte" in behaviour else [])


def test_a_length_that_is_too_long_is_an_error(web: Web, path: Path) -> None:
    """A file that never becomes as long as promised is not taken for whole."""
    web.put("/file.bin", DATA, length=len(DATA) + 10, ranges=False)
    with pytest.raises(DataError, match=r"300,000 of 300,010 bytes came") as caught:
        _fetch(web, path)
    assert "goes on where this one stopped" in str(caught.value.hint)
    assert not path.exists()
    assert len(web.asked) <= 6


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_final(web: Web, path: Path, status: int) -> None:
    """One request, one sentence."""
    web.put("/file.bin", DATA, statuses=[status])
    with pytest.raises(DataError, match=rf"/file\.bin: the server answers {status} \w+"):
        _fetch(web, path)
    assert len(web.asked) == 1
    assert _left(path) == set()


@pytest.mark.parametrize("statuses", [[503], [500, 429, 502]])
def test_an_overloaded_server_is_asked_again(web: Web, path: Path, statuses: list[int]) -> None:
    """Errors that pass are waited for."""
    web.put("/file.bin", DATA, statuses=statuses)
    _fetch(web, path)
    assert path.read_bytes() == DATA


def test_a_server_that_stays_broken_is_given_up(web: Web, path: Path) -> None:
    """After a few attempts, with what to do."""
    web.put("/file.bin", DATA, statuses=[500] * 50)
    with pytest.raises(DataError, match="the server answers 500") as caught:
        _fetch(web, path)
    assert "goes on where this one stopped" in str(caught.value.hint)
    assert len(web.asked) == 4


def test_silence_is_an_error(web: Web, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that says nothing is not waited for without end."""
    monkeypatch.setattr(module, "_TIMEOUT", 0.1)
    monkeypatch.setattr(module, "_ATTEMPTS", 2)
    web.put("/file.bin", DATA, silent=1.0)
    with pytest.raises(DataError, match="timed out"):
        _fetch(web, path)
    assert not path.exists()


def test_nobody_there(web: Web, path: Path) -> None:
    """A server that cannot be reached is one sentence, at once."""
    address = web.address
    web.shutdown()
    web.server_close()
    with pytest.raises(DataError, match=r"cannot be reached \(.*refused\)"):
        download(f"{address}/file.bin", path, NO_PROGRESS)


def test_a_full_disk(web: Web, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told apart from a broken connection, tried once, and what was written is continued later."""
    web.put("/file.bin", DATA)
    opened = Path.open

    class Full:
        """A file on a disk with room for 1,000 bytes more."""

        def __init__(self, stream: Any) -> None:
            self._stream, self._left = stream, 1000

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self._stream.close()

        def write(self, data: bytes) -> int:
            if not self._left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = self._stream.write(data[: self._left])
            self._left -= written
            return int(written)

    def limited(self: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        stream = opened(self, mode, *rest, **more)
        return Full(stream) if self.name.endswith(".part") and mode in ("wb", "ab") else stream

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", limited)
        with pytest.raises(
            DataError, match=r"file\.bin\.part: cannot be written \(No space left on device\)"
        ) as caught:
            _fetch(web, path)
    assert "Free some space" in str(caught.value.hint)
    assert len(web.asked) == 1
    assert path.with_name("file.bin.part").stat().st_size == 1000
    _fetch(web, path)
    assert path.read_bytes() == DATA
    assert web.asked[-1].range == "bytes=1000-"


def test_a_folder_that_cannot_be_written(web: Web, tmp_path: Path) -> None:
    """A file where the folder should be is one sentence too."""
    web.put("/file.bin", DATA)
    (tmp_path / "downloads").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        _fetch(web, tmp_path / "downloads" / "file.bin")
    assert web.asked == []


def test_two_at_once_fetch_it_once(web: Web, path: Path) -> None:
    """The second waits for the first instead of writing into its part."""
    web.put("/file.bin", DATA, silent=0.2)
    threads = [threading.Thread(target=_fetch, args=(web, path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == DATA
    assert len(web.asked) == 1


def test_progress_is_told_of_every_byte(web: Web, path: Path) -> None:
    """Bytes that were there already count at once; the label has no query in it."""
    from contextlib import contextmanager

    told: list[tuple[str, int, list[int]]] = []

    class Telling:
        """Writes down what it is told."""

        @contextmanager
        def task(self, label: str, total: int) -> Iterator[Any]:
            told.append((label, total, []))
            yield told[-1][2].append

    web.put("/file.bin?signature=secret", DATA, drops=[1000])
    download(f"{web.address}/file.bin?signature=secret", path, Telling())
    assert [(label, total, sum(done)) for label, total, done in told] == [
        (f"fetching {web.address}/file.bin", len(DATA), 1000),
        (f"fetching {web.address}/file.bin", len(DATA), len(DATA)),
    ]
    assert told[1][2][0] == 1000


def test_secrets_in_addresses_are_not_shown(web: Web, path: Path) -> None:
    """Neither the query of an address nor a password in it gets into a message."""
    assert without_query("no 'https://me:pw@host/a?token=x' here") == "no 'https://host/a' here"
    assert without_query("http://host/a b@c?d https://host/e?f=g, h") == "http://host/a b@c?d https://host/e h"
    with pytest.raises(DataError) as caught:
        download(f"{web.address}/missing?token=secret", path, NO_PROGRESS)
    assert "secret" not in str(caught.value)


def test_the_mirror_of_the_web(monkeypatch: pytest.MonkeyPatch) -> None:
    """Host and path follow the mirror's address; anything but http is refused."""
    assert mirrored("https://host.org/a/b.tgz") == "https://host.org/a/b.tgz"
    monkeypatch.setenv("HARNESS_WEB_MIRROR", "https://mirror.example/web/")
    assert mirrored("https://host.org/a/b.tgz") == "https://mirror.example/web/host.org/a/b.tgz"
    monkeypatch.setenv("HARNESS_WEB_MIRROR", "file:///etc")
    with pytest.raises(UsageError, match="HARNESS_WEB_MIRROR must be an address"):
        mirrored("https://host.org/a")
