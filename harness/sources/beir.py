"""Reading BEIR's three files, plain or gzipped, refusing what is malformed with file and line."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from harness._util.names import did_you_mean
from harness.errors import DataError
from harness.sources.collection import Corpus, Queries

_INTEGER = re.compile(r"-?[0-9]{1,9}")
_HEADERS = ({"query-id", "corpus-id", "score"}, {"query_id", "corpus_id", "score"})


def is_subset(folder: Path) -> bool:
    """True when `folder` has a corpus or queries of its own."""
    return any((folder / f"{stem}.jsonl{end}").is_file() for stem in ("corpus", "queries") for end in ("", ".gz"))


def splits(folder: Path) -> tuple[str, ...]:
    """The splits that `folder` has judgements for. Raises DataError when it has none."""
    files = [*(folder / "qrels").glob("[!.]*.tsv"), *(folder / "qrels").glob("[!.]*.tsv.gz")]
    found = sorted({path.name.removesuffix(".gz").removesuffix(".tsv") for path in files})
    if not found:
        raise DataError(f"{folder}: no judgements", "Expected qrels/<split>.tsv, such as qrels/test.tsv.")
    return tuple(found)


def read_corpus(folder: Path) -> Corpus:
    """The passages of `folder`."""
    path = _find(folder, "corpus.jsonl")
    ids: dict[str, int] = {}
    titles: list[str] = []
    texts: list[str] = []
    for number, row in _json_lines(path):
        _claim(ids, _string(row, "_id", path, number), path, number)
        title = row.get("title") or ""
        if not isinstance(title, str):
            raise DataError(f"{path}:{number}: 'title' must be a string, not {type(title).__name__}")
        titles.append(_valid(title, "'title'", path, number))
        texts.append(_text(row, path, number))
    if not ids:
        raise DataError(f"{path}: no passages in it")
    return Corpus(list(ids), titles, texts)


def read_queries(folder: Path) -> Queries:
    """All queries of `folder`, judged or not."""
    path = _find(folder, "queries.jsonl")
    ids: dict[str, int] = {}
    texts: list[str] = []
    for number, row in _json_lines(path):
        _claim(ids, _string(row, "_id", path, number), path, number)
        texts.append(_text(row, path, number))
    if not ids:
        raise DataError(f"{path}: no queries in it")
    return Queries(tuple(ids), tuple(texts))


def read_qrels(
    folder: Path, split: str, queries: Container[str], passages: Container[str]
) -> dict[str, dict[str, int]]:
    """The judgements of `split`, every one of them about one of `queries` and one of `passages`."""
    if split not in splits(folder):
        raise DataError(f"{folder}: no judgements for split {split!r}", did_you_mean(split, splits(folder)))
    path = _find(folder / "qrels", f"{split}.tsv")
    qrels: dict[str, dict[str, int]] = {}
    for number, line in _lines(path):
        fields = line.split("\t")
        if number == 1 and set(fields) in _HEADERS:
            continue
        if len(fields) != 3:
            raise DataError(
                f"{path}:{number}: {len(fields)} tab-separated fields where query, passage and grade are expected"
            )
        query, passage, grade = fields
        if query not in queries:
            raise DataError(f"{path}:{number}: judges query {query!r}, which is not among the queries")
        if passage not in passages:
            raise DataError(
                f"{path}:{number}: query {query!r} is judged on passage {passage!r}, which is not in the corpus"
            )
        grades = qrels.setdefault(query, {})
        if passage in grades:
            raise DataError(f"{path}:{number}: query {query!r} judges passage {passage!r} twice")
        if not _INTEGER.fullmatch(grade):
            raise DataError(f"{path}:{number}: grade {grade!r} is not an integer")
        grades[passage] = int(grade)
    if not qrels:
        raise DataError(f"{path}: no judgements in it")
    return qrels


def _find(folder: Path, name: str) -> Path:
    """`folder/name`, plain or gzipped; one of them and not both."""
    found = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
    if not found:
        raise DataError(f"{folder / name}: no such file (nor {name}.gz)")
    if len(found) > 1:
        raise DataError(f"{folder}: holds both {name} and {name}.gz", "Remove the one that is out of date.")
    return found[0]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, line) without line ends, blank lines left out; every way a file can be damaged becomes a DataError."""
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            for number, raw in enumerate(stream, start=1):
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                if line.strip():
                    yield number, line
    except UnicodeDecodeError as error:
        raise DataError(f"{path}:{number}: not UTF-8 ({error.reason} at byte {error.start})") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged gzip data after line {number} ({error})", "Fetch the file again.") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:  # ValueError also for a number of too many digits
            raise DataError(f"{path}:{number}: not valid JSON ({error})") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}:{number}: a JSON object is expected, not {type(row).__name__}")
        yield number, row


def _string(row: dict[str, Any], key: str, path: Path, number: int) -> str:
    if key not in row:
        raise DataError(f"{path}:{number}: no {key!r} field", did_you_mean(key, row))
    value = row[key]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise DataError(f"{path}:{number}: {key!r} must be a non-empty string, not {value!r}")
    return _valid(value, repr(key), path, number)


def _text(row: dict[str, Any], path: Path, number: int) -> str:
    text = row.get("text")
    if not isinstance(text, str):
        raise DataError(f"{path}:{number}: 'text' must be a string, not {type(text).__name__}")
    if not text.strip():
        raise DataError(f"{path}:{number}: empty text")
    return _valid(text, "text", path, number)


def _valid(text: str, what: str, path: Path, number: int) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(f"{path}:{number}: {what} holds a lone surrogate, which is no character") from None
    return text


def _claim(ids: dict[str, int], name: str, path: Path, number: int) -> None:
    if name in ids:
        raise DataError(f"{path}:{number}: id {name!r} was used in line {ids[name]} already")
    ids[name] = number
