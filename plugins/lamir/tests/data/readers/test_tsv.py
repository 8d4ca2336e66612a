"""Tab-separated files."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from harness_lamir.data.readers import reader_for
from harness_lamir.data.rows import Kind, Multiway, Pair, Row, Text, Translation
from harness_lamir.recipe import Source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import DataError

Write = Callable[[str, str | bytes], Path]
Read = Callable[..., list[tuple[int, Row]]]


def test_pairs(write: Write, read: Read) -> None:
    """Two columns are a question and its passage, trimmed; a byte order mark and Windows line ends are no text."""
    path = write("en.tsv.gz", b"\xef\xbb\xbfwho \t someone\r\n\r\nwhat\tsomething")
    assert read(path, "ir") == [(1, Pair("who", "someone")), (3, Pair("what", "something"))]
    assert read(path, "ir", language="sw")[0][1].language == "sw"


def test_translations(write: Write, read: Read) -> None:
    """The language is the file's name, unless the source says it."""
    path = write("sw.tsv", "water\tmaji\nstone\tjiwe\n")
    assert read(path, "parallel") == [(1, Translation("water", "maji", "sw")), (2, Translation("stone", "jiwe", "sw"))]
    assert {row.language for _, row in read(path, "parallel", language="swh")} == {"swh"}


def test_texts(write: Write, read: Read) -> None:
    """A column is chosen by number; a file of one column needs no choice."""
    assert read(write("sw.tsv", "water\tmaji\n"), "text", column=2) == [(1, Text("maji", "sw"))]
    assert read(write("yo.tsv", "omi\n"), "text") == [(1, Text("omi", "yo"))]


def test_multiway(write: Write, read: Read) -> None:
    """A header names the languages; empty cells are languages without a text."""
    path = write("all.tsv", "en\tsw\tyo\nwater\tmaji\tomi\nstone\t\tokuta\n\tjina\torukọ\n")
    assert read(path, "multiway") == [
        (2, Multiway(("water", "maji", "omi"), ("en", "sw", "yo"))),
        (3, Multiway(("stone", "okuta"), ("en", "yo"))),
        (4, Multiway(("jina", "orukọ"), ("sw", "yo"))),
    ]


@pytest.mark.parametrize(
    ("kind", "content", "settings", "message"),
    [
        ("ir", "one\ttwo\none", {}, r"sw\.tsv:2: expected 2 non-empty columns, found 1"),
        ("ir", "one\ttwo\tthree", {}, ":1: expected 2 non-empty columns, found 3"),
        ("parallel", "one\t \n", {}, ":1: expected 2 non-empty columns, one is empty"),
        ("parallel", b"one\ttwo\nx\t\xff\xfe\n", {}, ":2: not UTF-8"),
        ("parallel", "", {}, r"sw\.tsv: the file holds no text"),
        ("ir", "\n \n", {}, "holds no text"),
        ("text", "water\tmaji\nstone\n", {"column": 2}, ":2: column 2 is missing or empty"),
        ("text", "water\t \n", {"column": 2}, ":1: column 2 is missing or empty"),
        ("text", "water\tmaji\n", {}, ":1: 2 columns, and source 'test' does not say which"),
        ("multiway", "en\tsw\nwater\n", {}, ":2: 1 columns where the header has 2"),
        ("multiway", "en\tsw\tyo\nwater\t\t\n", {}, ":2: a text in one language alone"),
        ("multiway", "en\ten\nwater\tmaji\n", {}, ":1: the header must be two or more language codes"),
        ("multiway", "en\nwater\n", {}, ":1: the header must be"),
        ("multiway", "Good morning\tHabari za asubuhi\n", {}, ":1: 'Good morning' is no language code"),
        ("multiway", "en\tsw\n", {}, "a header and no text"),
    ],
)
def test_malformed(
    write: Write, refused: Callable[..., object], kind: Kind, content: str | bytes, settings: Any, message: str
) -> None:
    """Every refusal says which file, which line, what is wrong, and what to do."""
    for name in ("sw.tsv", "packed/sw.tsv.gz"):
        path = write(name, content)
        refused(path, kind, message.replace(r"\.tsv", r"\.tsv(\.gz)?"), **settings)


def test_a_truncated_archive_is_never_a_shorter_file(write: Write, refused: Callable[..., object]) -> None:
    """Gzip data that is cut off is refused, wherever it is cut."""
    packed = gzip.compress("".join(f"word {n}\tneno {n}\n" for n in range(3000)).encode())
    for length in (15, len(packed) // 2, len(packed) - 1):
        path = write("sw.tsv", packed[:length])
        refused(path, "parallel", r"sw\.tsv: damaged after line \d+")


def test_rows_come_before_the_error(write: Write, source: Callable[..., Source]) -> None:
    """Rows stream: those before a bad line are given, whatever follows."""
    path = write("sw.tsv", b"water\tmaji\n" * 3 + b"\xff\n")
    rows = reader_for(path, "parallel", source())(path, source())
    assert [row for _, row in islice(rows, 3)] == [Translation("water", "maji", "sw")] * 3
    with pytest.raises(DataError, match=":4: not UTF-8"):
        next(rows)


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r\ufeff"), min_size=1).map(str.strip).filter(bool)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows=st.lists(st.tuples(_CELL, _CELL), min_size=1))
def test_what_is_written_is_read(write: Write, read: Read, rows: list[tuple[str, str]]) -> None:
    """Any two texts without tabs and line ends come back as they were."""
    path = write("sw.tsv.gz", "".join(f"{english}\t{other}\n" for english, other in rows))
    assert [row for _, row in read(path, "parallel")] == [Translation(*cells, "sw") for cells in rows]
