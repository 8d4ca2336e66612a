"""Parallel files that share their English side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness_lamir.data.readers import FORMATS
from harness_lamir.data.rows import Multiway, Row
from harness_lamir.recipe import Source

from harness.errors import UsageError

Write = Callable[[str, str | bytes], Path]


def join(paths: list[Path], source: Source) -> list[tuple[int, Row]]:
    """Read all files of a source, as a loader does."""
    reader = FORMATS["joined"].join
    assert reader is not None
    return list(reader(paths, source))


def test_equal_english_sides_are_one_row(write: Write, source: Callable[..., Source]) -> None:
    """English first, then the languages in the order of the files, whatever the order of their lines."""
    sw = write("sw.tsv.gz", "water\tmaji\nstone\tjiwe\nwater\tmaji mengine\n")
    yo = write("yo.tsv", "name\torukọ\n water\tomi\n")
    assert join([sw, yo], source(format="joined")) == [
        (1, Multiway(("water", "maji", "omi"), ("en", "sw", "yo"))),
        (2, Multiway(("stone", "jiwe"), ("en", "sw"))),
        (1, Multiway(("name", "orukọ"), ("en", "yo"))),
    ]


def test_a_file_alone(write: Write, read: Callable[..., list[tuple[int, Row]]]) -> None:
    """One file is joined with nothing."""
    path = write("sw.tsv", "water\tmaji\n")
    assert read(path, "multiway", format="joined") == [(1, Multiway(("water", "maji"), ("en", "sw")))]


def test_refused(write: Write, source: Callable[..., Source]) -> None:
    """Malformed lines, one language for all, and a file of English are told with a hint."""
    good, bad = write("sw.tsv", "water\tmaji\n"), write("yo.tsv", "water\tomi\nstone\n")
    english = write("en.tsv", "water\twater\n")
    for paths, settings, message in (
        ([good, bad], {}, r"yo\.tsv:2: expected 2 non-empty columns"),
        ([good], {"language": "sw"}, "its files are of several languages"),
        ([good, english], {}, r"en\.tsv: named after English"),
        ([write("ha.tsv", "")], {}, "holds no text"),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            join(paths, source(format="joined", **settings))
        assert caught.value.hint
