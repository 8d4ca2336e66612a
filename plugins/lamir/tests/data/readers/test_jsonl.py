"""JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
from harness_lamir.data.readers import reader_for
from harness_lamir.data.rows import Document, Kind, Pair, Row, Text, Triplet
from harness_lamir.recipe import Source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import DataError

Write = Callable[[str, str | bytes], Path]
Read = Callable[..., list[tuple[int, Row]]]


def test_pairs(write: Write, read: Read) -> None:
    """Titles go before their texts, negatives may be texts or objects, other keys are ignored."""
    records = [
        {"query": "q", "positive": "p", "title": "T", "answers": ["a"]},
        {
            "query": "r",
            "positive": " s ",
            "title": None,
            "negatives": ["a", {"title": "B", "text": "b"}, {"text": "c"}],
        },
        {"query": "u", "positive": "v", "negatives": [], "language": "sw"},
    ]
    path = write("train.jsonl.gz", "\n\n".join(map(json.dumps, records)))
    assert read(path, "ir") == [
        (1, Pair("q", "T\n\np")),
        (3, Pair("r", "s", ("a", "B\n\nb", "c"))),
        (5, Pair("u", "v", (), "sw")),
    ]


def test_texts_and_triplets(write: Write, read: Read) -> None:
    """A row's own language comes before the source's, and that before the file's name."""
    path = write("sw.jsonl", '{"text": "maji"}\n{"text": "omi", "language": "yo"}\n')
    assert read(path, "text") == [(1, Text("maji", "sw")), (2, Text("omi", "yo"))]
    assert [row.language for _, row in read(path, "text", language="swh")] == ["swh", "yo"]
    path = write("sw.jsonl", '{"query": "q", "english": "water", "other": "maji"}\n')
    assert read(path, "triplet") == [(1, Triplet("q", "water", "maji", "sw"))]


def test_documents(write: Write, read: Read) -> None:
    """Sentences are taken as they are, texts are split; a document of one sentence is left out."""
    path = write("en.jsonl", '{"sentences": ["One", " two "]}\n{"text": "One. Two."}\n{"text": "One."}\n')
    assert read(path, "document") == [(1, Document(("One", "two"), "en")), (2, Document(("One.", "Two."), "en"))]


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("ir", '{"query": "q", "positive": "p"}\n{"query"', r"a\.jsonl:2: not valid JSON"),
        ("ir", "[1]", ":1: a JSON object is expected, not list"),
        ("ir", '{"query": "q"}', ":1: 'positive' must be a string, not NoneType"),
        ("ir", '{"query": " ", "positive": "p"}', ":1: empty query"),
        ("ir", '{"query": 3, "positive": "p"}', ":1: 'query' must be a string, not int"),
        ("ir", '{"query": "q", "positive": "p", "title": 3}', ":1: 'title' must be a string"),
        ("ir", '{"query": "q", "positive": "p", "negatives": "x"}', ":1: 'negatives' must be a list of passages"),
        ("ir", '{"query": "q", "positive": "p", "negatives": ["x", 3]}', r":1: negatives\[1\]: a passage must be"),
        ("ir", '{"query": "q", "positive": "p", "negatives": [{"title": "x"}]}', r":1: negatives\[0\]: 'text' must"),
        ("ir", '{"query": "q", "positive": "\\ud800"}', ":1: positive holds a lone surrogate"),
        ("ir", '{"query": "q", "positive": "p", "language": 3}', ":1: 'language' must be a string"),
        ("ir", '{"query": "q", "positive_passages": []}', ":1: this is Tevatron's format"),
        ("ir", b'{"query": "q", "positive": "p"}\n\xff', ":2: not UTF-8"),
        ("ir", "", "holds no text"),
        ("text", '{"txet": "x"}', ":1: 'text' must be a string"),
        ("document", '{"sentences": "x"}', ":1: 'sentences' must be a list of texts"),
        ("document", '{"sentences": []}', ":1: 'sentences' must be a list of texts"),
        ("document", '{"sentences": ["x", ""]}', r":1: sentences\[1\] must be a text that is not blank"),
        ("document", '{"sentences": ["x", null]}', r":1: sentences\[1\] must be a text"),
        ("document", '{"title": "x"}', ":1: 'text' must be a string"),
        ("document", '{"text": "One."}', "no document of two sentences"),
        ("triplet", '{"query": "q", "english": "e"}', ":1: 'other' must be a string"),
    ],
)
def test_malformed(
    write: Write, refused: Callable[..., object], kind: Kind, content: str | bytes, message: str
) -> None:
    """Every refusal says which file, which line, what is wrong, and what to do."""
    refused(write("a.jsonl", content), kind, message)


def test_a_misspelt_key_is_suggested(write: Write, refused: Callable[..., DataError]) -> None:
    """The nearest key of the line is named."""
    error = refused(write("a.jsonl", '{"query": "q", "positives": "p"}'), "ir", ":1: 'positive'")
    assert error.hint == "Did you mean 'positives'?"


def test_rows_come_before_the_error(write: Write, source: Callable[..., Source]) -> None:
    """Rows stream: those before a bad line are given."""
    path = write("a.jsonl", '{"text": "x"}\n' * 5 + "oops\n")
    rows = reader_for(path, "text", source())(path, source())
    assert len(list(islice(rows, 5))) == 5
    with pytest.raises(DataError, match=":6: not valid JSON"):
        next(rows)


_TEXT = st.text(st.characters(codec="utf-8"), min_size=1).map(str.strip).filter(bool)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(pairs=st.lists(st.tuples(_TEXT, _TEXT, st.lists(_TEXT)), min_size=1), ascii=st.booleans())
def test_what_is_written_is_read(
    write: Write, read: Read, pairs: list[tuple[str, str, list[str]]], ascii: bool
) -> None:
    """Any texts come back as they were, line breaks inside of them included."""
    records = [{"query": q, "positive": p, "negatives": n} for q, p, n in pairs]
    path = write("a.jsonl.gz", "".join(json.dumps(record, ensure_ascii=ascii) + "\n" for record in records))
    assert [row for _, row in read(path, "ir")] == [Pair(q, p, tuple(n)) for q, p, n in pairs]
