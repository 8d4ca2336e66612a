"""Tevatron's JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness_lamir.data.rows import Pair, Row


def line(**changes: Any) -> str:
    """A line as MS MARCO's is."""
    return json.dumps(
        {
            "query_id": "1",
            "query": "q",
            "positive_passages": [{"docid": "7", "title": "T", "text": "p"}, {"docid": "8", "title": "", "text": "r"}],
            "negative_passages": [{"docid": "9", "title": "N", "text": "n"}],
            **changes,
        }
    )


def test_every_positive_is_a_pair(
    write: Callable[[str, str], Path], read: Callable[..., list[tuple[int, Row]]]
) -> None:
    """Positives share their query and its negatives; negatives may be missing."""
    path = write("train.jsonl.gz", line() + "\n" + line(negative_passages=[]) + "\n")
    assert read(path, "ir", format="tevatron", language="sw") == [
        (1, Pair("q", "T\n\np", ("N\n\nn",), "sw")),
        (1, Pair("q", "r", ("N\n\nn",), "sw")),
        (2, Pair("q", "T\n\np", (), "sw")),
        (2, Pair("q", "r", (), "sw")),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (line() + "\n" + line(positive_passages=[]), r"a\.jsonl:2: no 'positive_passages'"),
        (line(positive_passages="x"), ":1: 'positive_passages' must be a list"),
        (line(negative_passages=[{"docid": "9"}]), r":1: negative_passages\[0\]: 'text' must be a string"),
        (line(query=""), ":1: empty query"),
        (line()[:-5], ":1: not valid JSON"),
        ("", "holds no text"),
    ],
)
def test_malformed(
    write: Callable[[str, str], Path], refused: Callable[..., object], content: str, message: str
) -> None:
    """Every refusal says which file, which line, what is wrong, and what to do."""
    refused(write("a.jsonl", content), "ir", message, format="tevatron")
