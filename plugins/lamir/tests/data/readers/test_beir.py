"""BEIR folders."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from harness_lamir.data.readers import entries, files_of
from harness_lamir.data.rows import Pair, Row
from harness_lamir.recipe import Source

from harness.errors import DataError

Write = Callable[[str, str | bytes], Path]
Read = Callable[..., list[tuple[int, Row]]]

_CORPUS = """
{"_id": "a", "title": "A", "text": "aa"}
{"_id": "b", "text": "bb"}
{"_id": 3, "title": "", "text": "cc"}
{"_id": "unjudged", "text": "dd"}
"""
_QUERIES = '{"_id": "1", "text": "one"}\n{"_id": "2", "text": "two"}\n{"_id": "9", "text": "unjudged"}\n'
_QRELS = "query-id\tcorpus-id\tscore\n1\ta\t1\n1\tb\t0\n2\t3\t2\n2\ta\t1\n1\t3\t1\n"


@pytest.fixture
def folder(write: Write) -> Path:
    """A folder of Swahili, gzipped in part."""
    write("sw/corpus.jsonl.gz", _CORPUS)
    write("sw/queries.jsonl", _QUERIES)
    return write("sw/qrels/train.tsv", _QRELS).parent.parent


def test_every_positive_judgement_is_a_pair(folder: Path, read: Read) -> None:
    """In the order of the judgements by query, with the grade-0 passages of the query; by whatever file it is named."""
    expected = [
        (2, Pair("one", "A\n\naa", ("bb",), "sw")),
        (6, Pair("one", "cc", ("bb",), "sw")),
        (4, Pair("two", "cc", (), "sw")),
        (5, Pair("two", "A\n\naa", (), "sw")),
    ]
    for name in (".", "corpus.jsonl.gz", "queries.jsonl", "qrels/train.tsv"):
        assert read(folder / name, "ir") == expected
    assert {row.language for _, row in read(folder, "ir", language="swh")} == {"swh"}


def test_a_folder_is_read_once(folder: Path, source: Callable[..., Source]) -> None:
    """A glob that finds all of a folder's files gives its judgements to the reader, and all three files are told."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    assert entries([folder, *found], "ir", source()) == [folder / "qrels/train.tsv"]
    opened = files_of(folder, "ir", source())
    assert opened == (folder / "qrels/train.tsv", folder / "corpus.jsonl.gz", folder / "queries.jsonl")


def test_a_split_must_be_named_where_there_are_several(
    folder: Path, write: Write, read: Read, refused: Callable[..., DataError]
) -> None:
    """Nobody trains on test judgements without having said so."""
    write("sw/qrels/test.tsv", "query-id\tcorpus-id\tscore\n9\tb\t1\n")
    error = refused(folder / "corpus.jsonl.gz", "ir", "judgements of several splits: test.tsv, train.tsv")
    assert "qrels/train.tsv" in (error.hint or "")
    assert read(folder / "qrels/test.tsv", "ir") == [(2, Pair("unjudged", "bb", (), "sw"))]


@pytest.mark.parametrize(
    ("name", "language"), [("miracl-sw/sw", "sw"), ("afriqa/bem-en", "bem"), ("scifact", "en"), ("nq", "en")]
)
def test_language_of_a_folder(write: Write, read: Read, name: str, language: str) -> None:
    """The folder's name is the language where it is one, of the questions where it is a pair, and English else."""
    write(f"{name}/corpus.jsonl", _CORPUS)
    write(f"{name}/queries.jsonl", _QUERIES)
    path = write(f"{name}/qrels/train.tsv", _QRELS)
    assert {row.language for _, row in read(path, "ir")} == {language}


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("qrels/train.tsv", "1\ta\n", r"train\.tsv:1: expected query, passage and a whole grade"),
        ("qrels/train.tsv", _QRELS + "1\tb\tx\n", r"train\.tsv:7: expected query, passage and a whole grade"),
        ("qrels/train.tsv", _QRELS + "1\ta\t0\n", r":7: query '1' judges passage 'a' in line 2 too"),
        ("qrels/train.tsv", _QRELS + "7\ta\t1\n", r"train\.tsv:7: query '7' is not in queries\.jsonl"),
        ("qrels/train.tsv", _QRELS + "9\ta\t1\n9\tzz\t0\n", r"train\.tsv:8: passage 'zz' is not in corpus\.jsonl\.gz"),
        ("qrels/train.tsv", "1\ta\t0\n", r"train\.tsv: no judgement above 0"),
        ("qrels/train.tsv", "", r"train\.tsv: the file holds no text"),
        ("queries.jsonl", '{"_id": "1"}', r"queries\.jsonl:1: 'text' must be a string"),
        ("queries.jsonl", '{"text": "x"}', r"queries\.jsonl:1: no '_id' field"),
        ("queries.jsonl", '{"_id": 1.5, "text": "x"}', r"queries\.jsonl:1: '_id' must be"),
        ("queries.jsonl", _QUERIES + _QUERIES, r"queries\.jsonl:4: id '1' is there twice"),
        ("queries.jsonl", _QUERIES + "{", r"queries\.jsonl:4: not valid JSON"),
        ("corpus.jsonl.gz", _CORPUS + '{"_id": "z", "title": 3, "text": "x"}', r"corpus\.jsonl\.gz:6: 'title' must"),
        ("corpus.jsonl.gz", _CORPUS.encode() + b"\xff", r"corpus\.jsonl\.gz:6: not UTF-8"),
        ("corpus.jsonl", _CORPUS, "holds both corpus.jsonl and corpus.jsonl.gz"),
    ],
)
def test_malformed(
    folder: Path, write: Write, refused: Callable[..., object], file: str, content: str | bytes, message: str
) -> None:
    """Every refusal says which of the three files, which line, what is wrong, and what to do."""
    write(f"sw/{file}", content)
    refused(folder, "ir", message)


@pytest.mark.parametrize("file", ["corpus.jsonl.gz", "queries.jsonl", "qrels/train.tsv"])
def test_missing_files(folder: Path, refused: Callable[..., object], file: str) -> None:
    """A folder without one of its files is refused with the layout."""
    (folder / file).unlink()
    error = refused(folder, "ir", "no such file|no judgements")
    assert isinstance(error, DataError)
    assert "qrels/<split>.tsv" in (error.hint or "")


def test_a_corpus_of_any_size(write: Write, read: Read) -> None:
    """Memory follows the judgements, not the corpus."""
    filler = "".join(json.dumps({"_id": f"x{n}", "text": "word " * 1000}) + "\n" for n in range(3000))
    write("sw/corpus.jsonl.gz", _CORPUS + filler)
    write("sw/queries.jsonl", _QUERIES)
    path = write("sw/qrels/train.tsv", _QRELS)
    del filler
    tracemalloc.start()
    assert len(read(path, "ir")) == 4
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 << 20  # the corpus is 15 MB
