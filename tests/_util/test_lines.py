"""Files read line by line: what well-formed ones mean, and that no damage ends in anything but one clear refusal."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness._util import lines
from harness._util.lines import (
    PlainFile,
    optional_text_field,
    read_json,
    read_json_lines,
    read_lines,
    read_quoted_tab_separated,
    read_tab_separated,
    string_field,
    text_field,
    unpacked,
)
from harness.errors import DataError

#: Any text that UTF-8 can write: with \r, \u2028, NUL, combining marks and astral characters among the likely ones.
_TEXT = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from(["\r", "\n", "\0", "\t", '"', "\\", "\u2028", "\x85", "\ufeff", "\u0301", "ọ", "ก", "😀", " "]),
    max_size=30,
)
_SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

#: The readers that see every line of a file, by name.
_READERS: dict[str, Callable[[Path], Iterable[object]]] = {
    "lines": read_lines,
    "json": read_json_lines,
    "tabs": lambda path: read_tab_separated(path, ("a",)),
    "quoted": lambda path: read_quoted_tab_separated(path, ("a",)),
}
every_reader = pytest.mark.parametrize("read", _READERS.values(), ids=_READERS.keys())


def _file(tmp_path: Path, data: bytes, name: str = "file") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("zipped", [False, True])
@_SAME_FOLDER
@given(texts=st.lists(_TEXT, max_size=5))
def test_json_lines_round_trip(tmp_path: Path, zipped: bool, texts: list[str]) -> None:
    """Every text comes back byte for byte, escaped or not, plain or gzipped, with the number of its line."""
    for ascii_only in (True, False):
        data = "\n".join(json.dumps({"text": text}, ensure_ascii=ascii_only) for text in texts).encode()
        path = _file(tmp_path, gzip.compress(data) if zipped else data)
        assert list(read_json_lines(path)) == [(n, {"text": text}) for n, text in enumerate(texts, 1)]


@_SAME_FOLDER
@given(rows=st.lists(st.tuples(_TEXT.filter(str.strip), _TEXT), max_size=5))
def test_quoted_fields_round_trip(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    """What Python's csv module writes with tabs is read back as it was, line ends inside of fields included."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter="\t").writerows(rows)
    data = out.getvalue().encode()
    if data.startswith(b"\xef\xbb\xbf"):  # a mark at the start of a file belongs to the file
        return
    path = _file(tmp_path, data)
    assert [tuple(fields) for _, fields in read_quoted_tab_separated(path, ("a", "b"))] == rows


def test_quoted_rows_have_the_number_of_their_last_line(tmp_path: Path) -> None:
    """Blank lines are left out and counted; a field over several lines ends where its row ends."""
    path = _file(tmp_path, b'a\t"x\ny"\r\n\nb\t"say ""so"""\n')
    assert list(read_quoted_tab_separated(path, ("k", "v"))) == [(2, ["a", "x\ny"]), (4, ["b", 'say "so"'])]


@pytest.mark.parametrize(
    "data",
    [b"a\tb\nc\td\n", b"a\tb\nc\td", b"\xef\xbb\xbfa\tb\r\nc\td\r\n", b"a\tb\nc\td\n\n\n"],
    ids=["plain", "no last end", "Windows and a byte order mark", "blank lines"],
)
def test_harmless_variants(tmp_path: Path, data: bytes) -> None:
    """Line ends of any system, none at the end, a byte order mark, blank lines: the fields are the same."""
    for stored in (data, gzip.compress(data), gzip.compress(data[:5]) + gzip.compress(data[5:])):
        path = _file(tmp_path, stored)
        assert list(read_tab_separated(path, ("x", "y"))) == [(1, ["a", "b"]), (2, ["c", "d"])]


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    """Separators of Unicode, lone carriage returns and other white space stay inside of a line."""
    text = "a\rb\u2028c\u2029d\x85e\x0bf\x0cg\x1ch"
    path = _file(tmp_path, f" {text} \n".encode())
    assert list(read_lines(path)) == [(1, f" {text} ")]


def test_gzip_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    """A .gz that a browser has unpacked is read as the text it is, and gzip data under another name is unpacked."""
    assert list(read_lines(_file(tmp_path, b"plain\n", "a.gz"))) == [(1, "plain")]
    assert list(read_lines(_file(tmp_path, gzip.compress(b"packed\n"), "a.tsv"))) == [(1, "packed")]


@pytest.mark.parametrize("data", [b"", b"x", b"one\ntwo\nthree", b"long " * 100_000])
@pytest.mark.parametrize("zipped", [False, True])
def test_progress_counts_the_bytes_of_the_file(tmp_path: Path, data: bytes, zipped: bool) -> None:
    """What `advance` is told adds up to the size of the file, packed or not."""
    path = _file(tmp_path, gzip.compress(data) if zipped else data)
    told: list[int] = []
    assert "\n".join(line for _, line in read_lines(path, told.append)).encode() == data
    assert sum(told) == path.stat().st_size


def test_first_line_may_be_a_header(tmp_path: Path) -> None:
    """A header is left out where it is recognised and on the first line only."""
    path = _file(tmp_path, b"id\ttext\nid\ttext\n")
    found = read_tab_separated(path, ("id", "text"), header=lambda fields: fields == ["id", "text"])
    assert list(found) == [(2, ["id", "text"])]


_REFUSED: dict[str, tuple[str, bytes, str]] = {
    "Latin-1": ("lines", b"ok\ncaf\xe9\n", ":2: not UTF-8"),
    "UTF-16": ("lines", "ok\n".encode("utf-16"), ":1: not UTF-8"),
    "a surrogate in bytes": ("lines", b"ok\n\n\xed\xa0\x80\n", ":3: not UTF-8"),
    "broken JSON": ("json", b'{}\n{"a": \n', ":2: not valid JSON"),
    "two objects": ("json", b"{}{}\n", ":1: not valid JSON"),
    "endless nesting": ("json", b"\n" + b"[" * 100_000, ":2: not valid JSON"),
    "a number too long": ("json", b'{"a": ' + b"9" * 5_000 + b"}", ":1: not valid JSON"),
    "a list": ("json", b"{}\n[]", ":2: a JSON object is expected, not list"),
    "null": ("json", b"null", ":1: a JSON object is expected, not NoneType"),
    "one field too many": ("tabs", b"a\na\tb\n", ":2: 2 tab-separated field(s) where 1 are expected: a"),
    "a quoted field too many": ("quoted", b"a\n\na\tb\n", ":3: 2 tab-separated field(s)"),
    "an open quote": ("quoted", b'a\n"b\nc\nd', ":4: not tab-separated data as csv writes it"),
    "text behind a quote": ("quoted", b'a\n"b"c\n', ":2: not tab-separated data as csv writes it"),
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("reader, data, message", _REFUSED.values(), ids=_REFUSED.keys())
def test_malformed_lines(tmp_path: Path, reader: str, data: bytes, message: str, zipped: bool) -> None:
    """Each way of being malformed is one DataError that names file and line."""
    path = _file(tmp_path, gzip.compress(data) if zipped else data)
    with pytest.raises(DataError) as caught:
        list(_READERS[reader](path))
    assert caught.value.message.startswith(f"{path}{message}")
    assert "\n" not in caught.value.message


@every_reader
def test_missing_file(tmp_path: Path, read: Callable[[Path], Iterable[object]]) -> None:
    """A file that is not there, or a folder in its place, is named with the system's reason."""
    for path, reason in ((tmp_path / "no.tsv", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(DataError, match=reason) as caught:
            list(read(path))
        assert caught.value.message.startswith(str(path))


_ROWS = [json.dumps({"id": str(n), "text": f"نص {n} ọ̀rọ̀ ข้อความ"}, ensure_ascii=False) for n in range(300)]
_DATA = ("\n".join(_ROWS) + "\n").encode()


def test_truncated_gzip_is_never_a_shorter_file(tmp_path: Path) -> None:
    """Gzip data that stops at any tenth byte is refused; only nothing at all, or one byte of it, has no lines."""
    packed = gzip.compress(_DATA)
    for length in range(0, len(packed), 10):
        path = _file(tmp_path, packed[:length])
        if not length:
            assert list(read_json_lines(path)) == []
            continue
        with pytest.raises(DataError, match="damaged after line") as caught:
            list(read_json_lines(path))
        assert caught.value.hint == "Fetch the file again."


def test_bit_flips_in_gzip(tmp_path: Path) -> None:
    """A flipped bit is refused with the name of the file, or is one of the few that change nothing."""
    packed = gzip.compress(_DATA, mtime=0)
    whole = list(read_lines(_file(tmp_path, _DATA, "plain")))
    harmless = 0
    for at in range(0, len(packed) * 8, 7):
        damaged = bytearray(packed)
        damaged[at // 8] ^= 1 << at % 8
        path = _file(tmp_path, bytes(damaged))
        try:
            found = list(read_lines(path))
        except DataError as error:
            assert error.message.startswith(str(path))
        else:
            harmless += 1
            assert found == whole
    assert 0 < harmless < 30  # time stamp and system in the header, codes that are never used


def test_what_follows_gzip_data(tmp_path: Path) -> None:
    """Zeros behind gzip data are padding; anything else there is damage."""
    assert list(read_lines(_file(tmp_path, gzip.compress(b"a") + b"\0" * 512))) == [(1, "a")]
    with pytest.raises(DataError, match="damaged after line 1"):
        list(read_lines(_file(tmp_path, gzip.compress(b"a\n") + b"garbage")))


@every_reader
@pytest.mark.parametrize("zipped", [False, True])
def test_a_line_without_end(tmp_path: Path, read: Callable[[Path], Iterable[object]], zipped: bool) -> None:
    """A line of 65 MiB is refused by number, soon, and in the memory of one line."""
    block = b"x" * (1 << 20)
    with gzip.open(tmp_path / "file", "wb", 1) if zipped else (tmp_path / "file").open("wb") as out:
        for _ in range(65):
            out.write(block)
    start = time.monotonic()
    tracemalloc.start()
    with pytest.raises(DataError, match=r"file:1: a line of more than 64 MiB"):
        list(read(tmp_path / "file"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - start < 30
    assert peak < 200 << 20


def test_a_field_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quote that is never closed does not gather the rest of the file."""
    before = csv.field_size_limit(1 << 10)
    monkeypatch.setattr(lines, "LONGEST_LINE", 1 << 16)
    try:
        path = _file(tmp_path, b'"' + b"word word\n" * 20_000)
        with pytest.raises(DataError, match="field larger than field limit") as caught:
            list(read_quoted_tab_separated(path, ("a",)))
        assert int(caught.value.message.removeprefix(f"{path}:").partition(":")[0]) < 7_000
    finally:
        csv.field_size_limit(before)


def test_two_quoted_files_at_once(tmp_path: Path) -> None:
    """A reader that ends leaves another one its long fields."""
    long = "y" * 300_000
    a, b = _file(tmp_path, b"1\n2\n", "a"), _file(tmp_path, f"1\n{long}\n".encode(), "b")
    first, second = (read_quoted_tab_separated(path, ("v",)) for path in (a, b))
    assert next(first) == next(second) == (1, ["1"])
    assert list(first) == [(2, ["2"])]
    assert list(second) == [(2, [long])]


@settings(_SAME_FOLDER, max_examples=200)
@given(data=st.binary(max_size=80) | _TEXT.map(str.encode) | st.binary(max_size=20).map(lambda b: b"\x1f\x8b" + b))
def test_no_bytes_crash_a_reader(tmp_path: Path, data: bytes) -> None:
    """Whatever a file holds, every reader reads it or raises a DataError with its name."""
    path = _file(tmp_path, data)
    for read in _READERS.values():
        try:
            list(read(path))
        except DataError as error:
            assert str(path) in error.message
    try:
        read_json(path)
    except DataError as error:
        assert str(path) in error.message


def test_one_json_value(tmp_path: Path) -> None:
    """A file with one JSON value, with a byte order mark or gzipped; anything else is refused with its name."""
    for data in (b'[1, "\xd8\xa8"]', b'\xef\xbb\xbf[1, "\xd8\xa8"]\n', gzip.compress(b'[1, "\xd8\xa8"]')):
        assert read_json(_file(tmp_path, data)) == [1, "ب"]
    for data, message in ((b"{", "not valid JSON"), (b"\xff", "not UTF-8"), (gzip.compress(b"[]")[:-3], "damaged")):
        path = _file(tmp_path, data)
        with pytest.raises(DataError) as caught:
            read_json(path)
        assert caught.value.message.startswith(f"{path}: {message}")


class _Failing(PlainFile):
    """A file on a disk that fails after its first block."""

    def open(self) -> Any:
        """A stream whose second read fails."""

        class Stream(io.RawIOBase):
            blocks = iter([b"one\ntw"])

            def readable(self) -> bool:
                return True

            def readinto(self, buffer: Any) -> int:
                block = next(self.blocks, None)
                if block is None:
                    raise OSError(5, "Input/output error")
                buffer[: len(block)] = block
                return len(block)

        return io.BufferedReader(Stream())


def test_failing_disk(tmp_path: Path) -> None:
    """An error of the disk in the middle of a file is a DataError that says how far one came."""
    with pytest.raises(DataError, match=r"cannot be read after line 1 \(Input/output error\)"):
        list(read_lines(_Failing(tmp_path / "x")))


def test_streams_are_closed(tmp_path: Path) -> None:
    """A reader that is left half-way lets go of its file."""
    opened: list[Any] = []

    class Watched(PlainFile):
        def open(self) -> Any:
            opened.append(super().open())
            return opened[-1]

    for data in (b"a\nb\n", gzip.compress(b"a\nb\n")):
        reading = read_lines(Watched(_file(tmp_path, data)))
        next(reading)
        reading.close()  # type: ignore[attr-defined]
    assert [stream.closed for stream in opened] == [True, True]
    with unpacked(tmp_path / "file") as stream:
        assert stream.read() == b"a\nb\n"


_FIELDS: list[tuple[Callable[..., str], Any, str]] = [
    (string_field, {}, "f:1: no 'k' field"),
    (string_field, {"k": ""}, "f:1: 'k' must be a non-empty string, not ''"),
    (string_field, {"k": True}, "f:1: 'k' must be a non-empty string, not True"),
    (string_field, {"k": 1.5}, "f:1: 'k' must be a non-empty string, not 1.5"),
    (string_field, {"k": "\ud800"}, "f:1: 'k' holds a lone surrogate"),
    (text_field, {}, "f:1: 'k' must be a string, not NoneType"),
    (text_field, {"k": 3}, "f:1: 'k' must be a string, not int"),
    (text_field, {"k": " \u00a0"}, "f:1: empty k"),
    (text_field, {"k": "a\udfff"}, "f:1: k holds a lone surrogate"),
    (optional_text_field, {"k": []}, "f:1: 'k' must be a string, not list"),
    (optional_text_field, {"k": "\ud800"}, "f:1: 'k' holds a lone surrogate"),
]


@pytest.mark.parametrize("field, row, message", _FIELDS)
def test_refused_fields(field: Callable[..., str], row: dict[str, Any], message: str) -> None:
    """A field that is not what it must be is refused, beginning with the place."""
    with pytest.raises(DataError) as caught:
        field(row, "k", "f:1")
    assert caught.value.message.startswith(message)


def test_accepted_fields() -> None:
    """Integers are ids; absent and null titles are empty; texts keep their white space; a misspelt key is suggested."""
    assert string_field({"k": 15607}, "k", "") == "15607"
    assert optional_text_field({"k": None}, "k", "") == optional_text_field({}, "k", "") == ""
    assert text_field({"k": " a\r\n"}, "k", "") == " a\r\n"
    with pytest.raises(DataError) as caught:
        string_field({"docid": "x"}, "doc_id", "f:1")
    assert caught.value.hint == "Did you mean 'docid'?"
