"""Plain text."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from harness_lamir.data.readers import reader_for
from harness_lamir.data.rows import Document, Kind, Row, Text
from harness_lamir.recipe import Source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import DataError

Write = Callable[[str, str | bytes], Path]
Read = Callable[..., list[tuple[int, Row]]]


def test_a_text_a_line(write: Write, read: Read) -> None:
    """The language is the file's name; the side of line-aligned files is text too."""
    assert read(write("sw.txt.gz", "maji\r\n\n jiwe"), "text") == [(1, Text("maji", "sw")), (3, Text("jiwe", "sw"))]
    assert read(write("corpus.en-yo.yo", "omi\n"), "text", format="plain") == [(1, Text("omi", "yo"))]


def test_documents(write: Write, read: Read) -> None:
    """Blank lines, however many, end a document; one of a single sentence is left out."""
    path = write("en.txt", "\n\nOne.\nTwo.\n\n\nAlone.\n\nThree.\nFour.\nFive.")
    assert read(path, "document") == [
        (3, Document(("One.", "Two."), "en")),
        (9, Document(("Three.", "Four.", "Five."), "en")),
    ]


@pytest.mark.parametrize(
    ("kind", "content", "settings", "message"),
    [
        ("text", "", {}, "holds no text"),
        ("text", b"ok\n\xff\n", {}, ":2: not UTF-8"),
        ("text", "a\tb\n", {"column": 2}, "sets a `column`, and plain text has none"),
        ("document", "One.\n\nTwo.\n", {}, "no document of two sentences or more"),
        ("document", "\n", {}, "holds no text"),
    ],
)
def test_malformed(
    write: Write, refused: Callable[..., object], kind: Kind, content: str | bytes, settings: Any, message: str
) -> None:
    """Every refusal says which file, what is wrong, and what to do."""
    refused(write("sw.txt", content), kind, message, **settings)


def test_documents_come_before_the_error(write: Write, source: Callable[..., Source]) -> None:
    """Documents stream: each is given when the next begins, and so before what follows is found broken."""
    path = write("en.txt", b"One.\nTwo.\n\n" * 4 + b"\xff\n")
    rows = reader_for(path, "document", source())(path, source())
    assert len(list(islice(rows, 3))) == 3
    with pytest.raises(DataError, match=":13: not UTF-8"):
        next(rows)


_LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\ufeff"), min_size=1).map(str.strip).filter(bool)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(documents=st.lists(st.lists(_LINE, min_size=2), min_size=1))
def test_what_is_written_is_read(write: Write, read: Read, documents: list[list[str]]) -> None:
    """Any documents come back."""
    path = write("en.txt", "\n\n".join("\n".join(sentences) for sentences in documents))
    assert [row for _, row in read(path, "document")] == [Document(tuple(each), "en") for each in documents]
