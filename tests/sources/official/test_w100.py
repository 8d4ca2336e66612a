"""Passages of 100 words: whichever way a file was written, its texts are read as they are or refused."""

from __future__ import annotations

import csv
import gzip
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness._util import lines
from harness.errors import DataError
from harness.sources.corpus_cache import Passage
from harness.sources.official.w100 import read_w100, written_by_csv
from harness.sources.tree import plain_file

from .mini_w100 import PASSAGES, STYLES, Row, Style, w100, write_w100


def _read(path: Path) -> list[Row]:
    return [(p.id, p.text, p.title) for p in _passages(path)]


def _passages(path: Path) -> list[Passage]:
    return list(read_w100([plain_file(path, path.name)], lambda _: None))


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("last", [False, True], ids=["cut", "whole"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("header", [False, True], ids=["headless", "header"])
@pytest.mark.parametrize("style", STYLES)
def test_every_way_of_writing(tmp_path: Path, style: Style, header: bool, end: str, last: bool, zipped: bool) -> None:
    """With and without quoting, header, last line end and gzip, the same passages come out, byte for byte."""
    path = write_w100(tmp_path / "x.tsv", w100(style=style, header=header, end=end, last=last), zipped=zipped)
    assert _read(path) == list(PASSAGES)


def test_as_the_csv_module_reads_it(tmp_path: Path) -> None:
    """What Contriever's and XOR QA's own readers see, csv.reader with tabs, is what is read."""
    path = write_w100(tmp_path / "psgs_w100.tsv", w100())
    with path.open(newline="", encoding="utf-8") as stream:
        assert [list(row) for row in _read(path)] == [r for r in csv.reader(stream, delimiter="\t") if r[0] != "id"]


def test_places(tmp_path: Path) -> None:
    """A passage knows its line; a header counts as one."""
    path = write_w100(tmp_path / "x.tsv", w100())
    assert [p.line for p in _passages(path)] == [2, 3, 4, 5, 6, 7]
    assert str(_passages(path)[0].where).endswith("x.tsv:2")


def test_progress_counts_the_file_once(tmp_path: Path) -> None:
    """Finding out how a file was written is not progress in reading it."""
    path = write_w100(tmp_path / "x.tsv", w100(), zipped=True)
    told: list[int] = []
    assert len(list(read_w100([plain_file(path, path.name)], told.append))) == len(PASSAGES)
    assert sum(told) == path.stat().st_size


@pytest.mark.parametrize("text", ['"Heroes"', '""', '"a ""b"" c"', '"""', 'x ""'])
def test_quotes_of_an_unquoted_file_are_text(tmp_path: Path, text: str) -> None:
    """A text that looks as if csv had quoted it keeps its quotes in a file that was written without quoting."""
    rows = [*PASSAGES, ("7", text, text)]
    assert _read(write_w100(tmp_path / "x.tsv", w100(rows, "bare"))) == rows


@pytest.mark.parametrize("text", ['"Heroes"', '""', '"a ""b"" c"', '"""', 'x ""', "a\ttab", '"\t"'])
def test_quotes_and_tabs_of_a_quoted_file_are_text(tmp_path: Path, text: str) -> None:
    """In a file that csv wrote, quotes and tabs inside a field come out as they went in."""
    rows = [("7", text, text), *PASSAGES]
    assert _read(write_w100(tmp_path / "x.tsv", w100(rows))) == rows


def test_evidence() -> None:
    """A single passage with quotes tells; a file without quotes is the same either way."""

    class File:
        def __init__(self, data: bytes) -> None:
            self.data = data

        def open(self) -> object:
            import io

            return io.BytesIO(self.data)

    plain = [("1", "no quotes", "here")] * 500
    for style in STYLES[:3]:
        assert written_by_csv(File(w100([*plain, PASSAGES[0]], style)))  # type: ignore[arg-type]
    for row in PASSAGES[:2]:
        assert not written_by_csv(File(w100([*plain, row], "bare")))  # type: ignore[arg-type]
    assert not written_by_csv(File(w100(plain)))  # type: ignore[arg-type]
    assert not written_by_csv(File(b""))  # type: ignore[arg-type]


def test_json_lines(tmp_path: Path) -> None:
    """The hub's JSON lines are read by the same function, numbers as ids included."""
    path = tmp_path / "corpus.jsonl"
    path.write_text(
        '{"docid": 7, "text": "Ọ̀yọ́ \\"x\\"", "title": ""}\n{"docid": "8", "text": "b", "title": "T"}', "utf-8"
    )
    assert _read(path) == [("7", 'Ọ̀yọ́ "x"', ""), ("8", "b", "T")]


#: The third line of a file, by the way it is written, and the message after file and line.
_BAD: dict[str, tuple[Style, bytes, str]] = {
    "two fields": ("bare", b"2\ttext", ":3: 2 tab-separated field(s) where 3 are expected: id, text, title"),
    "four fields": ("bare", b"2\ttext\ttitle\tmore", ":3: 4 tab-separated field(s)"),
    "two fields, csv": ("csv", b'2\t"te""xt"', ":3: 2 tab-separated field(s)"),
    "no id": ("bare", b"\ttext\ttitle", ":3: '' is no passage id"),
    "a second header": ("csv", b"id\ttext\ttitle", ":3: 'id' is no passage id"),
    "an id in quotes": ("bare", b'"2"\ttext\t"title"', ":3: '\"2\"' is no passage id"),
    "empty text": ("bare", b"2\t\ttitle", ":3: empty text"),
    "blank text": ("csv", b"2\t \xc2\xa0\ttitle", ":3: empty text"),
    "quoted and empty text": ("csv", b'2\t""\ttitle', ":3: empty text"),
    "text after a closing quote": ("csv", b'2\t"te"xt\ttitle', ":3: not tab-separated data as csv writes it"),
    "invalid UTF-8": ("bare", b"2\tcaf\xe9\ttitle", ":3: not UTF-8"),
    "UTF-16": ("csv", "2\ttext\ttitle".encode("utf-16"), ":3: not UTF-8"),
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(("style", "line", "message"), _BAD.values(), ids=_BAD.keys())
def test_bad_line_is_refused(tmp_path: Path, style: Style, line: bytes, message: str, zipped: bool) -> None:
    """Every malformed line is one DataError that names file and line."""
    head, tail = w100(PASSAGES[:1], style), w100(PASSAGES, style, header=False)
    path = write_w100(tmp_path / "x.tsv", head + line + b"\n" + tail, zipped=zipped)
    with pytest.raises(DataError) as caught:
        _read(path)
    assert caught.value.message.startswith(f"{path}{message}")


def test_columns_in_another_order_are_refused(tmp_path: Path) -> None:
    """A header that names other columns, or the same in another order, is not ignored."""
    path = write_w100(tmp_path / "x.tsv", b"id\ttitle\ttext\n1\tNairobi\tThe capital.\n")
    with pytest.raises(DataError, match=r"x\.tsv:1: columns id, title, text where id, text, title are expected"):
        _read(path)


def test_quote_that_never_closes(tmp_path: Path) -> None:
    """A quote that is opened and not closed does not swallow the rest of the file."""
    data = w100(PASSAGES) + b'7\t"open\ttitle\n' + b"8\ttext\ttitle\n" * 100
    path = write_w100(tmp_path / "x.tsv", data)
    with pytest.raises(DataError, match=r"x\.tsv:\d+: "):
        _read(path)


@pytest.mark.parametrize("style", STYLES)
def test_truncated(tmp_path: Path, style: Style) -> None:
    """A plain file that ends anywhere is refused, or is short of passages; only its last title can be cut."""
    data, path = w100(style=style), tmp_path / "x.tsv"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        try:
            found = _read(path)
        except DataError as error:
            assert error.message.startswith(str(path))
        else:
            assert [row[:2] for row in found] == [row[:2] for row in PASSAGES[: len(found)]]
            assert found[:-1] == list(PASSAGES[: max(len(found) - 1, 0)])
            assert not found or PASSAGES[len(found) - 1][2].startswith(found[-1][2])


def test_truncated_gzip(tmp_path: Path) -> None:
    """A gzipped file that ends anywhere is refused."""
    path = write_w100(tmp_path / "x.tsv", w100(), zipped=True)
    data = path.read_bytes()
    for length in range(2, len(data)):  # of one byte nobody can tell that it was gzip
        path.write_bytes(data[:length])
        with pytest.raises(DataError) as caught:
            _read(path)
        assert caught.value.message.startswith(str(path))


def test_bit_flips_in_gzip(tmp_path: Path) -> None:
    """Any flipped bit of a gzipped file is harmless or refused."""
    path = write_w100(tmp_path / "x.tsv", w100(), zipped=True)
    data = path.read_bytes()
    for at in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[at // 8] ^= 1 << at % 8
        path.write_bytes(damaged)
        try:
            assert _read(path) == list(PASSAGES)
        except DataError as error:
            assert error.message.startswith(str(path))


def test_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is longer than any passage is refused before it fills the memory."""
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    path = write_w100(tmp_path / "x.tsv", w100() + b"7\t" + b"x" * 2000 + b"\ttitle\n")
    with pytest.raises(DataError, match=r"x\.tsv:8: a line of more than"):
        _read(path)


_FIELD = st.text(st.characters(exclude_characters="\t\r\n", exclude_categories=["Cs"]) | st.just('"'), max_size=12)
_ROWS = st.lists(st.tuples(_FIELD.filter(str.strip), _FIELD), max_size=6).map(
    lambda rows: [(str(number), *row) for number, row in enumerate(rows, 100)]
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS, style=st.sampled_from(STYLES), header=st.booleans())
def test_what_was_written_is_read(tmp_path: Path, rows: list[Row], style: Style, header: bool) -> None:
    """Whatever stands in a text or title, either way of writing gives it back, beside passages that tell the way."""
    telling = [(str(number), f'say "{number}" twice', "x") for number in range(len(rows) + 1)]
    path = write_w100(tmp_path / "x.tsv", w100([*telling, *rows], style, header=header))
    assert _read(path) == [*telling, *rows]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=80) | st.text('a"\t\n\r1é', max_size=60).map(str.encode))
def test_no_bytes_crash_the_reader(tmp_path: Path, data: bytes) -> None:
    """Whatever stands in the file, it is read or refused with a DataError that names it."""
    path = write_w100(tmp_path / "x.tsv", data)
    try:
        _read(path)
    except DataError as error:
        assert error.message.startswith(str(path))


def test_random_damage_never_shortens(tmp_path: Path) -> None:
    """Of a quoted file with single bytes changed, what is read has all its passages, or it is refused."""
    random.seed(7)
    rows = [(str(i), f'text {i} says "{i}" and more', f"Title {i}" if i % 3 else "") for i in range(40)]
    data, path = w100(rows), tmp_path / "x.tsv"
    for _ in range(600):
        damaged = bytearray(data)
        damaged[random.randrange(len(data))] = random.choice(b'"\ta1 \xff')
        path.write_bytes(damaged)
        try:
            found = _read(path)
        except DataError as error:
            assert error.message.startswith(str(path))
        else:
            assert len(found) >= len(rows) - 1, "a line end that went takes at most the passage after it"
    assert gzip.decompress(write_w100(path, data, zipped=True).read_bytes()) == data
