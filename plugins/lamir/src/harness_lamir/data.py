"""Readers of training text: every line is checked, and every error names its file and line.

Three kinds of files, each plain or gzipped (``.gz``):

* **English pairs**: JSON lines ``{"query": …, "positive": …, "negatives": […]}`` (the negatives may
  be missing), or TSV ``query<TAB>passage``;
* **parallel text**: TSV ``english<TAB>other``, one file per language, named after it
  (``sw.tsv.gz``);
* **non-parallel text**: a text per line (``sw.txt``), or one column of a TSV.

The whole of a file is read before training starts, so that a bad line on page 400 is refused at
once and not after an hour.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from harness.errors import UsageError

__all__ = [
    "IrPair",
    "TextFile",
    "evaluation_texts",
    "fingerprint",
    "language_of",
    "normalise",
    "read_ir",
    "read_parallel",
    "read_texts",
]

Row = TypeVar("Row")

_IR_SUFFIXES = (".jsonl", ".tsv")


@dataclass(frozen=True, slots=True)
class IrPair:
    """An English question, a passage that answers it, and passages that do not."""

    query: str
    positive: str
    negatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextFile(Generic[Row]):
    """The rows of one file, in file order; ``lines[i]`` is the line number of ``rows[i]``."""

    path: Path
    language: str
    rows: list[Row]
    lines: list[int]


def language_of(path: Path) -> str:
    """Return the language a file is named after: ``sw`` for ``tatoeba/sw.tsv.gz``."""
    return path.name.split(".", 1)[0]


def normalise(text: str) -> str:
    """Return the form in which two texts are called equal: NFKC, case and spacing folded."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def fingerprint(path: Path) -> str:
    """Return the SHA-256 (64 hex digits) of a file's bytes as stored."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_ir(path: Path) -> TextFile[IrPair]:
    """Read English (query, passage) pairs from JSON lines or TSV.

    Raises:
        UsageError: the file is missing, empty, not UTF-8, of another kind, or a line of it is
            malformed.
    """
    kind = _suffix(path)
    if kind not in _IR_SUFFIXES:
        raise UsageError(
            f"{path}: English pairs are read from {' or '.join(_IR_SUFFIXES)} files (or .gz)",
            hint='Write one {"query": …, "positive": …} per line, or query<TAB>passage.',
        )
    rows, lines = [], []
    for number, line in _lines(path):
        where = f"{path}:{number}"
        rows.append(_ir_from_json(line, where) if kind == ".jsonl" else IrPair(*_pair(line, where)))
        lines.append(number)
    return TextFile(path, language_of(path), rows, lines)


def read_parallel(path: Path) -> TextFile[tuple[str, str]]:
    """Read translations, ``english<TAB>other`` per line; the file is named after its language.

    Raises:
        UsageError: the file is missing, empty, not UTF-8, or a line of it is malformed.
    """
    rows, lines = [], []
    for number, line in _lines(path):
        rows.append(_pair(line, f"{path}:{number}"))
        lines.append(number)
    return TextFile(path, language_of(path), rows, lines)


def read_texts(path: Path, column: int | None) -> TextFile[str]:
    """Read a text per line, or the given column (1 is the first) of a TSV.

    Raises:
        UsageError: the file is missing, empty, not UTF-8, or a line lacks the column.
    """
    rows, lines = [], []
    for number, line in _lines(path):
        if column is None:
            text = line
        else:
            cells = line.split("\t")
            if len(cells) < column or not cells[column - 1].strip():
                raise UsageError(f"{path}:{number}: column {column} is missing or empty")
            text = cells[column - 1]
        rows.append(text)
        lines.append(number)
    return TextFile(path, language_of(path), rows, lines)


def evaluation_texts(folder: Path) -> dict[str, str]:
    """Return the texts of an evaluation folder, normalised, each with the file it stands in.

    Every JSON-lines file below the folder is read, ``.gz`` or not: corpora and queries in the BEIR
    layout. Texts are the values of the keys ``text`` and ``contents``.

    Raises:
        UsageError: the folder is missing, holds no such file, or a line of it is malformed.
    """
    found: dict[str, str] = {}
    files = [path for path in sorted(folder.rglob("*")) if _suffix(path) == ".jsonl"]
    if not files:
        raise UsageError(
            f"{folder}: no evaluation texts (.jsonl or .jsonl.gz) to keep training data apart from",
            hint="Correct the list of forbidden folders, or take this one out of it.",
        )
    for path in files:
        for number, line in _lines(path):
            record = _json_object(line, f"{path}:{number}")
            for key in ("text", "contents"):
                if isinstance(record.get(key), str):
                    found.setdefault(normalise(record[key]), str(path.relative_to(folder.parent)))
    found.pop("", None)
    return found


def _suffix(path: Path) -> str:
    """Return the extension below ``.gz``: ``.tsv`` for ``sw.tsv.gz``."""
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number, line) of the lines that are not blank; refuse a file without any."""
    number = 0
    empty = True
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            for number, raw in enumerate(stream, start=1):
                line = raw.decode("utf-8").rstrip("\r\n")
                if line.strip():
                    empty = False
                    yield number, line
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}:{number}: not UTF-8 ({error.reason})") from error
    except (OSError, EOFError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from error
    if empty:
        raise UsageError(f"{path}: the file holds no text", hint="Remove it from the recipe.")


def _pair(line: str, where: str) -> tuple[str, str]:
    """Split a TSV line into its two columns."""
    cells = line.split("\t")
    if len(cells) != 2 or not all(cell.strip() for cell in cells):
        raise UsageError(f"{where}: expected two non-empty columns, found {len(cells)}: {line[:80]!r}")
    return cells[0], cells[1]


def _json_object(line: str, where: str) -> dict[str, Any]:
    """Parse a line that must be a JSON object."""
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise UsageError(f"{where}: not JSON ({error.msg})") from error
    if not isinstance(record, dict):
        raise UsageError(f"{where}: expected a JSON object")
    return record


def _ir_from_json(line: str, where: str) -> IrPair:
    """Make a pair of a JSON line."""
    record = _json_object(line, where)
    for key in ("query", "positive"):
        value = record.get(key)
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{where}: {key!r} must be a non-empty string")
    negatives = record.get("negatives", [])
    if not isinstance(negatives, list) or not all(isinstance(text, str) for text in negatives):
        raise UsageError(f"{where}: 'negatives' must be a list of strings")
    return IrPair(record["query"], record["positive"], tuple(negatives))
