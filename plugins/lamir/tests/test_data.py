"""The readers: what they accept, and how they name what they refuse."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from harness_lamir.data import (
    IrPair,
    evaluation_texts,
    fingerprint,
    language_of,
    normalise,
    read_ir,
    read_parallel,
    read_texts,
)

from harness.errors import UsageError


def write(path: Path, content: str | bytes) -> Path:
    """Write a file, gzipped if its name says so."""
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_english_pairs_from_json_lines(tmp_path: Path) -> None:
    """Negatives are optional, other keys are ignored, blank lines are skipped."""
    path = write(
        tmp_path / "en.jsonl.gz",
        '{"query": "q", "positive": "p", "title": "t"}\n\n{"query": "r", "positive": "s", "negatives": ["a", "b"]}\n',
    )
    file = read_ir(path)
    assert file.rows == [IrPair("q", "p"), IrPair("r", "s", ("a", "b"))]
    assert file.lines == [1, 3]


def test_pairs_from_tsv(tmp_path: Path) -> None:
    """Both kinds of pairs are two columns; the language is the file's name."""
    path = write(tmp_path / "sw.tsv.gz", "water\tmaji\r\nstone\tjiwe")
    assert read_ir(path).rows == [IrPair("water", "maji"), IrPair("stone", "jiwe")]
    file = read_parallel(path)
    assert file.rows == [("water", "maji"), ("stone", "jiwe")]
    assert file.language == "sw" == language_of(path)


def test_texts_from_lines_and_columns(tmp_path: Path) -> None:
    """A plain file gives its lines, a TSV the column that was asked for."""
    assert read_texts(write(tmp_path / "sw.txt", "maji\njiwe\n"), None).rows == ["maji", "jiwe"]
    assert read_texts(write(tmp_path / "sw.tsv", "water\tmaji\n"), 2).rows == ["maji"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"query": "q", "positive": "p"}\n{"query"', r"a\.jsonl:2: not JSON"),
        ("a.jsonl", "[1]", r"a\.jsonl:1: expected a JSON object"),
        ("a.jsonl", '{"query": "q"}', r"a\.jsonl:1: 'positive' must be a non-empty string"),
        ("a.jsonl", '{"query": " ", "positive": "p"}', r":1: 'query' must be a non-empty string"),
        ("a.jsonl", '{"query": "q", "positive": "p", "negatives": "x"}', ":1: 'negatives'"),
        ("a.tsv", "one\ttwo\none", r"a\.tsv:2: expected two non-empty columns, found 1"),
        ("a.tsv", "one\ttwo\tthree", ":1: expected two non-empty columns, found 3"),
        ("a.tsv", "one\t \n", ":1: expected two non-empty columns"),
        ("a.tsv", b"one\ttwo\n\xff\xfe\tx", r"a\.tsv:\d: not UTF-8"),
        ("a.tsv", "\n \n", "holds no text"),
        ("a.csv", "one,two", r"\.jsonl or \.tsv"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    """Every refusal says which file, which line and what was wrong."""
    with pytest.raises(UsageError, match=message):
        read_ir(write(tmp_path / name, content))


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    """A missing file and a truncated archive are errors for people too."""
    with pytest.raises(UsageError, match="cannot be read"):
        read_parallel(tmp_path / "none.tsv")
    whole = gzip.compress(b"one\ttwo\n" * 1000)
    (tmp_path / "cut.tsv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match="cannot be read"):
        read_parallel(tmp_path / "cut.tsv.gz")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """A line that is too short for the column is refused."""
    with pytest.raises(UsageError, match=r"sw\.tsv:2: column 2 is missing"):
        read_texts(write(tmp_path / "sw.tsv", "water\tmaji\nstone\n"), 2)


def test_evaluation_texts_come_from_every_file_below(tmp_path: Path) -> None:
    """Corpora and queries in any depth, normalised; other files are ignored."""
    folder = tmp_path / "xquad"
    (folder / "en").mkdir(parents=True)
    write(folder / "en" / "corpus.jsonl.gz", '{"_id": "1", "text": "A  Text"}')
    write(folder / "en" / "queries.jsonl", '{"_id": "1", "contents": "Ｑ"}')
    write(folder / "en" / "qrels.tsv", "a\tb")
    assert evaluation_texts(folder) == {
        "a text": "xquad/en/corpus.jsonl.gz",
        "q": "xquad/en/queries.jsonl",
    }
    with pytest.raises(UsageError, match="no evaluation texts"):
        evaluation_texts(tmp_path / "nowhere")


def test_normalise_folds_case_spacing_and_width() -> None:
    """Texts that a reader would call the same are the same."""
    assert normalise(" Straße\u00a0 １ ") == normalise("STRASSE 1")


def test_fingerprint_is_the_sha256_of_the_file(tmp_path: Path) -> None:
    """The digest is the well-known one of the empty string for an empty file."""
    assert fingerprint(write(tmp_path / "a.txt", "")).startswith("e3b0c44298fc1c14")
