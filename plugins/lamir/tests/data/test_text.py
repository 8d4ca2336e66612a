"""Text and the files it lies in."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness_lamir.data.text import blocks, fingerprint, json_lines, lines, normalise
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError

_READERS: dict[str, Callable[[Path], Iterator[Any]]] = {"lines": lines, "json": json_lines, "blocks": blocks}


def test_normalise_folds_case_spacing_and_width() -> None:
    """Texts that a reader would call the same are the same."""
    assert normalise(" Straße\u00a0 １ ") == normalise("STRASSE 1")
    assert normalise("a b") != normalise("ab")


@given(st.text())
def test_normalise_trims(text: str) -> None:
    """White space at the ends and its length never count."""
    assert normalise(f"  {text}\n") == normalise(text) == normalise(text.replace(" ", " \t "))


def test_fingerprint_is_the_sha256_of_the_file(tmp_path: Path) -> None:
    """The digests are the well-known ones of the empty string and of "abc"."""
    path = tmp_path / "file"
    path.write_bytes(b"")
    assert fingerprint(path) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    path.write_bytes(b"abc")
    assert fingerprint(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_lines_are_numbered_as_an_editor_numbers_them(tmp_path: Path) -> None:
    """Blank lines are left out and counted; a byte order mark and Windows line ends are no text; gzip is unpacked."""
    data = b"\xef\xbb\xbfone\r\n\r\n two \n"
    for stored in (data, gzip.compress(data)):
        (tmp_path / "file").write_bytes(stored)
        assert list(lines(tmp_path / "file")) == [(1, "one"), (3, " two ")]


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_blocks_are_the_content(tmp_path: Path, size: int) -> None:
    """Whatever their size, blocks put together are the file."""
    data = bytes(range(256)) * 9
    (tmp_path / "file").write_bytes(gzip.compress(data))
    found = list(blocks(tmp_path / "file", size))
    assert b"".join(found) == data
    assert max(map(len, found)) <= size


@pytest.mark.parametrize("reader", _READERS)
def test_what_cannot_be_read_says_what_to_do(tmp_path: Path, reader: str) -> None:
    """A missing file, a folder and gzip data that is cut off are named, with a hint."""
    read = _READERS[reader]
    cut = gzip.compress(b'{"a": "%s"}\n' % bytes(range(48, 58)) * 2000)[:-20]
    (tmp_path / "cut").write_bytes(cut)
    for name, message in (("none", "No such file"), (".", "directory"), ("cut", "damaged after")):
        with pytest.raises(DataError, match=message) as caught:
            list(read(tmp_path / name))
        assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        (b"{}\n\xff\xfe\n", ":2: not UTF-8", "iconv"),
        (b'{}\n{"a": \n', ":2: not valid JSON", "one JSON object"),
        (b"{}\n[]\n", ":2: a JSON object is expected", "one JSON object"),
        (b"", ": the file holds no text", "Remove it"),
        (b"\n \n", ": the file holds no text", "Remove it"),
    ],
)
def test_malformed_lines_say_what_to_do(tmp_path: Path, data: bytes, message: str, hint: str) -> None:
    """Each way of being malformed has its place and its hint."""
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(DataError) as caught:
        list(json_lines(tmp_path / "file"))
    assert f"file{message}" in caught.value.message
    assert hint in (caught.value.hint or "")
