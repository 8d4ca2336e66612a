"""The table of formats: how one is chosen, and what a loader can ask before reading."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from harness_lamir.data.readers import FORMATS, entries, files_of, format_for, known_language, reader_for
from harness_lamir.data.rows import ROW_TYPES, Kind
from harness_lamir.recipe import Source

from harness.errors import UsageError


def test_every_kind_has_a_format() -> None:
    """No kind of stream is without a reader, and no format is for a kind that does not exist."""
    kinds = {kind for format in FORMATS.values() for kind in format.kinds}
    assert kinds == set(get_args(Kind)) == set(ROW_TYPES)
    assert all(name == format.name and format.summary.endswith(".") for name, format in FORMATS.items())
    assert [name for name, format in FORMATS.items() if format.joins] == ["joined"]


@pytest.mark.parametrize(
    ("name", "kind", "format"),
    [
        ("en.tsv.gz", "ir", "tsv"),
        ("en.TSV", "ir", "tsv"),
        ("train.jsonl.gz", "ir", "jsonl"),
        ("biencoder-nq-train.json.gz", "ir", "dpr"),
        ("arcd/ar/corpus.jsonl.gz", "ir", "beir"),
        ("arcd/ar/queries.jsonl", "ir", "beir"),
        ("arcd/ar/qrels/train.tsv", "ir", "beir"),
        ("sw.tsv", "parallel", "tsv"),
        ("WikiMatrix.en-sw.tsv.gz", "parallel", "wikimatrix"),
        ("en-sw.tmx.gz", "parallel", "tmx"),
        ("sw.txt", "text", "plain"),
        ("corpus.jsonl", "text", "jsonl"),
        ("sw.txt", "document", "plain"),
        ("sw.jsonl", "document", "jsonl"),
        ("all.tsv", "multiway", "tsv"),
        ("sw.jsonl", "triplet", "jsonl"),
    ],
)
def test_formats_by_name(source: Callable[..., Source], name: str, kind: Kind, format: str) -> None:
    """The name of a file says its format, and a source's own word comes first."""
    assert format_for(Path(name), kind, source()).name == format
    for other, made in FORMATS.items():
        if kind in made.kinds:
            assert format_for(Path(name), kind, source(format=other)) is made


@pytest.mark.parametrize(
    ("name", "kind", "settings", "message", "hint"),
    [
        ("a.tsv", "ir", {"format": "tevatorn"}, "no format 'tevatorn'", "Did you mean 'tevatron'?"),
        ("a.tsv", "parallel", {"format": "dpr"}, "kind parallel cannot be read from format 'dpr'", "tsv"),
        ("a.csv", "ir", {}, "a.csv: its name does not say how a stream of kind ir", "Set `format`"),
        ("sw.json", "triplet", {}, "its name does not say", "jsonl"),
    ],
)
def test_no_format(
    source: Callable[..., Source], name: str, kind: Kind, settings: dict[str, Any], message: str, hint: str
) -> None:
    """An unknown format, one for another kind, and a name that says nothing are refused with what would do."""
    with pytest.raises(UsageError, match=message) as caught:
        reader_for(Path(name), kind, source(**settings))
    assert hint in (caught.value.hint or "")


def test_ordinary_files_stand_for_themselves(source: Callable[..., Source]) -> None:
    """Each file that was found is given to its reader once, and is all that is opened."""
    found = [Path("a/sw.tsv"), Path("a/yo.tsv"), Path("a/sw.tsv")]
    assert entries(found, "parallel", source()) == found[:2]
    assert files_of(found[0], "parallel", source()) == (found[0],)


@pytest.mark.parametrize(
    ("name", "kind", "settings", "language"),
    [
        ("sw.tsv", "parallel", {}, "sw"),
        ("sw.tsv", "parallel", {"language": "swh"}, "swh"),
        ("nq.tsv", "ir", {}, "en"),
        ("sw.tsv", "ir", {}, "sw"),
        ("sw.jsonl", "triplet", {}, None),
        ("en-sw.tmx", "parallel", {}, None),
        ("all.tsv", "multiway", {}, None),
    ],
)
def test_known_language(
    source: Callable[..., Source], name: str, kind: Kind, settings: dict[str, Any], language: str | None
) -> None:
    """A loader can tell before reading what language a file is in, unless its rows say."""
    assert known_language(Path(name), kind, source(**settings)) == language


def test_readers_are_light() -> None:
    """A recipe is checked without torch, pandas or arrow."""
    code = "import sys, harness_lamir.data.readers; print(sorted({'torch', 'pandas', 'pyarrow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
