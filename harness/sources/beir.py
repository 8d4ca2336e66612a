"""Reading BEIR's three files, plain or gzipped, refusing what is malformed with file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness._util.lines import optional_text_field, read_json_lines, read_lines, string_field, text_field
from harness._util.names import did_you_mean
from harness.errors import DataError
from harness.results.trec import HIGHEST_GRADE
from harness.sources.collection import Queries
from harness.sources.corpus import Corpus
from harness.sources.corpus_cache import Passage
from harness.sources.tree import TreeFile, is_archive

#: (folder, name below it) of the files that belong to a subset.
_FILE = re.compile(r"(?:(.+)/)?((?:corpus|queries)\.jsonl(?:\.gz)?|qrels/[^/]+\.tsv(?:\.gz)?)")
#: How the files begin that make a folder a subset.
_OWN = ("corpus.", "queries.")
_INTEGER = re.compile(r"-?[0-9]{1,9}")
_HEADERS = ({"query-id", "corpus-id", "score"}, {"query_id", "corpus_id", "score"})


@dataclass(frozen=True)
class BeirFolder:
    """One subset: its place, for messages, and the files in it by their names below it."""

    place: str
    files: Mapping[str, TreeFile]

    def find(self, name: str) -> TreeFile:
        """The file `name`, plain or gzipped. Raises DataError when there is none, or both."""
        found = [self.files[each] for each in (name, f"{name}.gz") if each in self.files]
        if not found:
            raise DataError(f"{self.place}/{name}: no such file (nor {name}.gz)")
        if len(found) > 1:
            raise DataError(f"{self.place}: holds both {name} and {name}.gz", "Remove the one that is out of date.")
        return found[0]


def folders(root: Path, tree: Mapping[str, TreeFile]) -> dict[tuple[str, ...], BeirFolder]:
    """The folders of `tree` with a corpus or queries of their own, by the components of their path below `root`.

    An archive is no component of its own: `scifact.zip/scifact/corpus.jsonl` lies in `scifact`. Where a corpus or
    queries lie unpacked beside it, nothing of the archive is taken. Raises DataError for a file that is there twice.
    """
    matched: list[tuple[tuple[str, ...], str, str, TreeFile]] = []
    for name, file in tree.items():
        if match := _FILE.fullmatch(name):
            folder, below = match.group(1) or "", match.group(2)
            components = tuple(part for part in folder.split("/") if part and not is_archive(part))
            matched.append((components, folder, below, file))
    unpacked = {key for key, _, below, file in matched if file.member is None and below.startswith(_OWN)}
    found: dict[tuple[str, ...], dict[str, TreeFile]] = {}
    places: dict[tuple[str, ...], str] = {}
    for key, folder, below, file in matched:
        if file.member is not None and key in unpacked:
            continue
        other = found.setdefault(key, {}).setdefault(below, file)
        if other is not file:
            twice = "/".join((*key, below))
            raise DataError(
                f"{root}: {twice} is there twice: {other.name} and {file.name}", "Keep one of them below the source."
            )
        places.setdefault(key, "/".join(filter(None, (str(root), folder))))
    return {
        key: BeirFolder(places[key], files)
        for key, files in found.items()
        if any(name.startswith(_OWN) for name in files)
    }


def splits(folder: BeirFolder) -> tuple[str, ...]:
    """The splits that `folder` has judgements for. Raises DataError when it has none."""
    names = (name.removeprefix("qrels/") for name in folder.files if name.startswith("qrels/"))
    found = sorted({name.removesuffix(".gz").removesuffix(".tsv") for name in names})
    if not found:
        raise DataError(f"{folder.place}: no judgements", "Expected qrels/<split>.tsv, such as qrels/test.tsv.")
    return tuple(found)


def read_passages(path: Path | TreeFile, advance: Callable[[int], None] | None = None) -> Iterator[Passage]:
    """The passages in a corpus file, streamed. Raises DataError with file and line."""
    number = 0
    for number, row in read_json_lines(path, advance):
        where = f"{path}:{number}"
        name, title = string_field(row, "_id", where), optional_text_field(row, "title", where)
        yield Passage(name, title, text_field(row, "text", where), path, number)
    if not number:
        raise DataError(f"{path}: no passages in it")


def read_queries(folder: BeirFolder) -> Queries:
    """All queries of `folder`, judged or not."""
    path = folder.find("queries.jsonl")
    ids: dict[str, int] = {}
    texts: list[str] = []
    for number, row in read_json_lines(path):
        where = f"{path}:{number}"
        _claim(ids, string_field(row, "_id", where), path, number)
        texts.append(text_field(row, "text", where))
    if not ids:
        raise DataError(f"{path}: no queries in it")
    return Queries(tuple(ids), tuple(texts))


def read_qrels(folder: BeirFolder, split: str, queries: Container[str], corpus: Corpus) -> dict[str, dict[str, int]]:
    """The judgements of `split`, every one of them about one of `queries` and a passage of `corpus`."""
    if split not in splits(folder):
        raise DataError(f"{folder.place}: no judgements for split {split!r}", did_you_mean(split, splits(folder)))
    path = folder.find(f"qrels/{split}.tsv")
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
        if abs(int(grade)) > HIGHEST_GRADE:
            raise DataError(f"{path}:{number}: grade {grade} is beyond {HIGHEST_GRADE}")
        grades[passage] = int(grade)
    if not qrels:
        raise DataError(f"{path}: no judgements in it")
    if missing := places.keys() - corpus.find(places).keys():
        number, query, passage = min((*places[passage], passage) for passage in missing)
        raise DataError(
            f"{path}:{number}: query {query!r} is judged on passage {passage!r}, which is not in the corpus"
        )
    return qrels


def _claim(ids: dict[str, int], name: str, path: TreeFile, number: int) -> None:
    if name in ids:
        raise DataError(f"{path}:{number}: id {name!r} was used in line {ids[name]} already")
    ids[name] = number
