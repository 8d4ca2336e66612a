"""Atomic files: the old content or the whole new one, and nothing beside it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from harness._util.atomic import atomic_writer, sync, write_text

_TEXTS = ("plain", "", "línea\nनमस्ते\r\n", "\x00")


@pytest.mark.parametrize("text", _TEXTS)
def test_text_is_written_as_utf8_bytes(tmp_path: Path, text: str) -> None:
    """The bytes on disk are the UTF-8 of the text, line ends untouched, in a folder made on the way."""
    path = tmp_path / "new" / "folder" / "file.json"
    write_text(path, text)
    assert path.read_bytes() == text.encode("utf-8")
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_failure_keeps_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    """Whatever ends the writing, the old content stays, the error passes on, and no temporary file is left."""
    path = tmp_path / "file.json"
    path.write_text("old")
    with pytest.raises(error), atomic_writer(path) as stream:
        stream.write(b"half of the new")
        stream.flush()
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_creates_nothing(tmp_path: Path) -> None:
    """A first write that fails leaves no file at all."""
    with pytest.raises(ZeroDivisionError), atomic_writer(tmp_path / "file.json") as stream:
        stream.write(b"half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_text_that_cannot_be_encoded_keeps_the_old_file(tmp_path: Path) -> None:
    """A lone surrogate is no UTF-8: the error comes before the old file is touched."""
    path = tmp_path / "file.json"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_target_that_is_a_folder_leaves_no_temporary_file(tmp_path: Path) -> None:
    """When the rename itself is impossible, the temporary file goes too."""
    (tmp_path / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(OSError):
        write_text(tmp_path / "taken", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_readers_see_the_old_file_until_the_end(tmp_path: Path) -> None:
    """While the new content is being written, the path still reads as the old one."""
    path = tmp_path / "file.json"
    path.write_text("old")
    with atomic_writer(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_files_have_the_permissions_of_the_umask(tmp_path: Path, mask: int) -> None:
    """A result file is as readable as any file the user makes, not private as temporary files are."""
    before = os.umask(mask)
    try:
        write_text(tmp_path / "file.json", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file.json").stat().st_mode) == 0o666 & ~mask


def test_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    """SIGKILL in the middle of a write leaves the old content; what it left beside it no reader globs for."""
    path = tmp_path / "file.json"
    path.write_text("old")
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom harness._util.atomic import atomic_writer\n"
        f"with atomic_writer(Path({str(path)!r})) as stream:\n"
        "    stream.write(b'half'); stream.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert [p for p in tmp_path.glob("*.json") if p != path] == []


def test_a_file_that_cannot_be_synced_is_an_error(tmp_path: Path) -> None:
    """A folder may be one that the platform cannot open; a file that is not there is a mistake."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    sync(tmp_path / "file")
    sync(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "gone")
