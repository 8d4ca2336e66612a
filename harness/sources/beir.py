"""Reading BEIR's three files, plain or gzipped, refusing what is malformed with file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from pathlib import Path

from harness._util.lines import optional_text_field, read_json_lines, read_lines, string_field, text_field
from harness._util.names import did_you_mean
from harness.errors import DataError
from harness.sources.collection import Queries
from harness.sources.corpus import Corpus
from harness.sources.corpus_cache import Passage

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


def corpus_file(folder: Path) -> Path:
    """The file with the passages of `folder`. Raises DataError when there is none, or two."""
    return _find(folder, "corpus.jsonl")


def read_passages(path: Path, advance: Callable[[int], None] | None = None) -> Iterator[Passage]:
    """The passages in a corpus file, streamed. Raises DataError with file and line."""
    number = 0
    for number, row in read_json_lines(path, advance):
        where = f"{path}:{number}"
        name, title = string_field(row, "_id", where), optional_text_field(row, "title", where)
        yield Passage(name, title, text_field(row, "text", where), path, number)
    if not number:
        raise DataError(f"{path}: no passages in it")


def read_queries(folder: Path) -> Queries:
    """All queries of `folder`, judged or not."""
    path = _find(folder, "queries.jsonl")
    ids: dict[str, int] = {}
    texts: list[str] = []
    for number, row in read_json_lines(path):
        where = f"{path}:{number}"
        _claim(ids, string_field(row, "_id", where), path, number)
        texts.append(text_field(row, "text", where))
    if not ids:
        raise DataError(f"{path}: no queries in it")
    return Queries(tuple(ids), tuple(texts))


def read_qrels(folder: Path, split: str, queries: Container[str], corpus: Corpus) -> dict[str, dict[str, int]]:
    """The judgements of `split`, every one of them about one of `queries` and a passage of `corpus`."""
    if split not in splits(folder):
        raise DataError(f"{folder}: no judgements for split {split!r}", did_you_mean(split, splits(folder)))
    path = _find(folder / "qrels", f"{split}.tsv")
    qrels: dict[str, dict[str, int]] = {}
    places: dict[str, tuple[int, str]] = {}
    for number, line in read_lines(path):
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
        places.setdefault(passage, (number, query))
        grades = qrels.setdefault(query, {})
        if passage in grades:
            raise DataError(f"{path}:{number}: query {query!r} judges passage {passage!r} twice")
        if not _INTEGER.fullmatch(grade):
            raise DataError(f"{path}:{number}: grade {grade!r} is not an integer")
        grades[passage] = int(grade)
    if not qrels:
        raise DataError(f"{path}: no judgements in it")
    if missing := places.keys() - corpus.find(places).keys():
        number, query, passage = min((*places[passage], passage) for passage in missing)
        raise DataError(
            f"{path}:{number}: query {query!r} is judged on passage {passage!r}, which is not in the corpus"
        )
    return qrels


def _find(folder: Path, name: str) -> Path:
    """`folder/name`, plain or gzipped; one of them and not both."""
    found = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
    if not found:
        raise DataError(f"{folder / name}: no such file (nor {name}.gz)")
    if len(found) > 1:
        raise DataError(f"{folder}: holds both {name} and {name}.gz", "Remove the one that is out of date.")
    return found[0]


def _claim(ids: dict[str, int], name: str, path: Path, number: int) -> None:
    if name in ids:
        raise DataError(f"{path}:{number}: id {name!r} was used in line {ids[name]} already")
    ids[name] = number
