"""WikiMatrix's mined translations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness_lamir.data.rows import Row, Translation

Write = Callable[[str, str], Path]

_LINES = "1.2\twater\tmaji\n1.04\tstone\tjiwe\n1.0399\tnoise\tkelele\n"


def test_pairs_that_reach_the_margin(write: Write, read: Callable[..., list[tuple[int, Row]]]) -> None:
    """The margin is 1.04 unless the source has its own, and is itself enough."""
    path = write("WikiMatrix.en-sw.tsv.gz", _LINES)
    rows = [(1, Translation("water", "maji", "sw")), (2, Translation("stone", "jiwe", "sw"))]
    assert read(path, "parallel") == rows
    assert read(path, "parallel", margin=1.05) == rows[:1]
    assert [line for line, _ in read(path, "parallel", margin=0)] == [1, 2, 3]


def test_english_may_be_on_either_side(write: Write, read: Callable[..., list[tuple[int, Row]]]) -> None:
    """The order of the codes in the name is the order of the columns."""
    path = write("WikiMatrix.ar-en.tsv", "1.1\tماء\twater\n")
    assert read(path, "parallel") == [(1, Translation("water", "ماء", "ar"))]


@pytest.mark.parametrize(
    ("name", "content", "settings", "message"),
    [
        ("WikiMatrix.de-sw.tsv", _LINES, {}, "its name does not say which side is English"),
        ("WikiMatrix.tsv", _LINES, {}, "its name does not say which side is English"),
        ("WikiMatrix.en-sw.tsv", "1.2\twater\n", {}, ":1: expected 3 non-empty columns, found 2"),
        ("WikiMatrix.en-sw.tsv", _LINES + "high\ta\tb\n", {}, ":4: 'high' is no margin score"),
        ("WikiMatrix.en-sw.tsv", "nan\ta\tb\n", {}, ":1: 'nan' is no margin score"),
        ("WikiMatrix.en-sw.tsv", _LINES, {"margin": 1.3}, "no pair reaches the margin 1.3; the best has 1.2"),
        ("WikiMatrix.en-sw.tsv", "", {}, "holds no text"),
    ],
)
def test_malformed(
    write: Write, refused: Callable[..., object], name: str, content: str, settings: dict[str, Any], message: str
) -> None:
    """Every refusal says which file, which line, what is wrong, and what to do."""
    refused(write(name, content), "parallel", message, **settings)
