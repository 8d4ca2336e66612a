"""Line-aligned files."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
from harness_lamir.data.readers import entries, files_of, format_for, reader_for
from harness_lamir.data.rows import Row, Translation
from harness_lamir.recipe import Source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import UsageError

Write = Callable[[str, str | bytes], Path]
Read = Callable[..., list[tuple[int, Row]]]

_WATER = [(1, Translation("water", "maji", "sw")), (3, Translation("stone", "jiwe", "sw"))]


@pytest.mark.parametrize("stem", ["corpus", "corpus.en-sw", "OPUS-100.v1.en-sw"])
@pytest.mark.parametrize(("english", "other"), [("", ""), (".gz", ".gz"), ("", ".gz"), (".gz", "")])
def test_either_side_may_be_named(write: Write, read: Read, stem: str, english: str, other: str) -> None:
    """Line n of one is line n of the other; lines that are blank in both are no pair."""
    sides = write(f"{stem}.en{english}", "water\n\nstone\n"), write(f"{stem}.sw{other}", " maji\n\njiwe\n")
    for path in sides:
        assert read(path, "parallel") == _WATER
    assert read(sides[1], "parallel", language="swh")[0][1].language == "swh"


def test_a_glob_of_both_sides_reads_each_pair_once(write: Write, source: Callable[..., Source]) -> None:
    """The English side stands for its pairs, and what is opened is told."""
    english, sw, yo = (write(f"corpus.{code}", "x\n") for code in ("en", "sw", "yo"))
    assert format_for(english, "parallel", source()).name == "moses"
    assert entries([english, sw, yo], "parallel", source()) == [sw, yo]
    assert files_of(sw, "parallel", source()) == (sw, english)


def test_pairs_of_one_folder_are_kept_apart(write: Write, source: Callable[..., Source], read: Read) -> None:
    """`a.en-sw.en` belongs to `a.en-sw.sw` alone, and files of alignments are no side."""
    for name in ("a.en-sw.sw", "a.en-yo.en", "a.en-yo.yo", "a.en-sw.ids", "a.en-sw.fr"):
        write(name, "x\n")
    path = write("a.en-sw.en", "y\n")
    assert [each.name for each in entries([path], "parallel", source())] == ["a.en-sw.sw"]
    assert read(path, "parallel") == [(1, Translation("y", "x", "sw"))]


def test_an_english_side_of_several_translations(write: Write, refused: Callable[..., object]) -> None:
    """Read by itself, it does not say which is meant."""
    english = write("corpus.en", "x\n")
    write("corpus.sw", "x\n")
    write("corpus.yo", "x\n")
    refused(english, "parallel", r"corpus\.en: has several translations: corpus\.sw, corpus\.yo")


@pytest.mark.parametrize(
    ("english", "other", "message"),
    [
        ("a\nb\nc\n", "x\ny\n", r"corpus\.en has 3 lines, and .*corpus\.sw has 2"),
        ("a\n", "x\n" * 100, r"corpus\.en has 1 lines, and .*corpus\.sw has 100"),
        ("a\nb\nc\n", "x\n\nz\n", r"corpus\.sw:2: the line is blank"),
        ("a\n\nc\n", "x\ny\nz\n", r"corpus\.en:2: the line is blank"),
        ("a\nb\n", b"x\n\xff\n", r"corpus\.sw:2: not UTF-8"),
        ("", "x\n", r"corpus\.en: the file holds no text"),
    ],
)
def test_malformed(
    write: Write, refused: Callable[..., object], english: str, other: str | bytes, message: str
) -> None:
    """Files that do not fit each other are refused, with both counts or the line."""
    write("corpus.en", english)
    refused(write("corpus.sw", other), "parallel", message)


def test_missing_sides(write: Write, refused: Callable[..., UsageError]) -> None:
    """A side without the other is refused, and told what the other would be called."""
    error = refused(write("corpus.sw.gz", "x\n"), "parallel", "no English side beside it", format="moses")
    assert error.hint == "It would be corpus.en.gz."
    refused(write("lone.en", "x\n"), "parallel", "no other side beside it", format="moses")
    refused(write("corpus", "x\n"), "parallel", "its name ends with no language", format="moses")


def test_rows_come_before_the_error(write: Write, source: Callable[..., Source]) -> None:
    """Rows stream: what is aligned is given before the end is known."""
    write("corpus.en", "a\n" * 10)
    path = write("corpus.sw", "x\n" * 9)
    rows = reader_for(path, "parallel", source())(path, source())
    assert len(list(islice(rows, 9))) == 9
    with pytest.raises(UsageError, match=r"has 10 lines, and .* has 9"):
        next(rows)


_LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\ufeff"), min_size=1).map(str.strip).filter(bool)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows=st.lists(st.tuples(_LINE, _LINE), min_size=1))
def test_what_is_written_is_read(write: Write, read: Read, rows: list[tuple[str, str]]) -> None:
    """Any lines come back in pairs."""
    write("corpus.en.gz", "\n".join(english for english, _ in rows))
    path = write("corpus.sw.gz", "\n".join(other for _, other in rows))
    assert read(path, "parallel") == [(n, Translation(*row, "sw")) for n, row in enumerate(rows, start=1)]
