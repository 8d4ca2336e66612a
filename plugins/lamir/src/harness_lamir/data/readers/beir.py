"""BEIR folders: `corpus.jsonl`, `queries.jsonl` and `qrels/<split>.tsv`, each plain or gzipped.

Named by the folder, by any of its files, or, where there are several splits, by the judgements of one. Every judgement
above 0 gives a pair; passages that the same query is judged to have with 0 or less are its negatives. Only judged
passages are held in memory, and only the judgements tell how many those are: the corpus may have any size.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness._util.lines import string_field
from harness._util.names import did_you_mean
from harness.errors import DataError
from harness_lamir.data.names import coded_language_of, pair_of
from harness_lamir.data.readers.formats import Format, Numbered, field_of, passage, title_of
from harness_lamir.data.rows import Pair
from harness_lamir.data.text import json_lines, lines

if TYPE_CHECKING:
    from harness_lamir.recipe import Source

__all__ = ["FORMAT", "read_pairs"]

_CORPUS = re.compile(r"(corpus|queries)\.jsonl(\.gz)?")
_QRELS = re.compile(r"[^/]+\.tsv(\.gz)?")
_HEADERS = ({"query-id", "corpus-id", "score"}, {"query_id", "corpus_id", "score"})
_GRADE = re.compile(r"-?[0-9]{1,9}")
_LAYOUT = "A BEIR folder holds corpus.jsonl, queries.jsonl and qrels/<split>.tsv, each plain or gzipped."


def read_pairs(path: Path, source: Source) -> Numbered:
    """Yield a `Pair` for each positive judgement, in their order; its line is the judgement's.

    The language is the source's, else the folder's name where that is one (`miracl/sw`, `afriqa/sw-en`: of the
    questions), else English.

    Raises:
        DataError: a file is missing or malformed; a judged query or passage is missing; nothing is judged positive;
            there are several splits and none is named.
    """
    qrels, corpus, queries = files(path)
    judged = _judgements(qrels)
    wanted = {name: grades for name, grades in judged.items() if any(grade > 0 for _, grade in grades.values())}
    if not wanted:
        raise DataError(f"{qrels}: no judgement above 0", "Remove it from the recipe.")
    asked = dict.fromkeys(wanted)
    first = {name: min(line for line, _ in grades.values()) for name, grades in wanted.items()}
    questions = _texts(queries, asked, titles=False)
    _all_there(qrels, first, questions, "query", queries)
    first = {}
    for grades in wanted.values():
        for name, (line, _) in grades.items():
            first.setdefault(name, line)
    passages = _texts(corpus, dict.fromkeys(first), titles=True)
    _all_there(qrels, first, passages, "passage", corpus)
    language = source.language or _folder_language(corpus.parent)
    for name, grades in wanted.items():
        negatives = tuple(passages[each] for each, (_, grade) in grades.items() if grade <= 0)
        for each, (line, grade) in grades.items():
            if grade > 0:
                yield line, Pair(questions[name], passages[each], negatives, language)


def entries(path: Path) -> tuple[Path, ...]:
    """Return the judgements to read for a folder or one of its files. Raises DataError unless there is one choice."""
    if path.parent.name == "qrels" and _QRELS.fullmatch(path.name):
        return (path,)
    folder = path if path.is_dir() else path.parent
    found = sorted(each for each in folder.glob("qrels/*") if _QRELS.fullmatch(each.name))
    if not found:
        raise DataError(f"{folder}: no judgements", _LAYOUT)
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise DataError(
            f"{folder}: has judgements of several splits: {names}",
            f"Name those to train on: {folder.name}/qrels/{found[-1].name}, say.",
        )
    return tuple(found)


def files(path: Path) -> tuple[Path, ...]:
    """Return the judgements, the corpus and the queries. Raises DataError where one is missing or there twice."""
    (qrels,) = entries(path)
    folder = qrels.parent.parent
    return qrels, _find(folder, "corpus.jsonl"), _find(folder, "queries.jsonl")


def _find(folder: Path, name: str) -> Path:
    """Return a file, plain or gzipped."""
    found = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
    if not found:
        raise DataError(f"{folder / name}: no such file (nor {name}.gz)", _LAYOUT)
    if len(found) > 1:
        raise DataError(f"{folder}: holds both {name} and {name}.gz", "Remove the one that is out of date.")
    return found[0]


def _judgements(path: Path) -> dict[str, dict[str, tuple[int, int]]]:
    """Return {query: {passage: (line number, grade)}}."""
    judged: dict[str, dict[str, tuple[int, int]]] = {}
    for number, line in lines(path):
        cells = [cell.strip() for cell in line.split("\t")]
        if number == 1 and set(cells) in _HEADERS:
            continue
        if len(cells) != 3 or not _GRADE.fullmatch(cells[2]):
            raise DataError(
                f"{path}:{number}: expected query, passage and a whole grade: {line[:80]!r}",
                "A line is query-id<TAB>corpus-id<TAB>score.",
            )
        grades = judged.setdefault(cells[0], {})
        if cells[1] in grades:
            raise DataError(
                f"{path}:{number}: query {cells[0]!r} judges passage {cells[1]!r} in line {grades[cells[1]][0]} too",
                "Keep one of the two.",
            )
        grades[cells[1]] = number, int(cells[2])
    return judged


def _texts(path: Path, wanted: dict[str, None], *, titles: bool) -> dict[str, str]:
    """Return the texts of the ids that are wanted; every line is checked."""
    found: dict[str, str] = {}
    for number, record in json_lines(path):
        where = f"{path}:{number}"
        name = _id(record, where)
        text = field_of(record, "text", where)
        title = title_of(record, where) if titles else ""
        if name in wanted:
            if name in found:
                raise DataError(f"{where}: id {name!r} is there twice", "Keep one of the two lines.")
            found[name] = passage(title, text)
    return found


def _id(record: dict[str, Any], where: str) -> str:
    """Return the id of a line."""
    try:
        return string_field(record, "_id", where)
    except DataError as error:
        raise DataError(error.message, error.hint or "'_id' must be a string or a whole number.") from error


def _all_there(qrels: Path, judged: dict[str, int], found: dict[str, str], what: str, path: Path) -> None:
    """Refuse a judgement of what does not exist; `judged` has the line that each id is first judged on."""
    missing = [(line, name) for name, line in judged.items() if name not in found]
    if missing:
        line, name = min(missing)
        raise DataError(
            f"{qrels}:{line}: {what} {name!r} is not in {path.name}",
            did_you_mean(name, found) or "Fetch the folder again, all of it from one place.",
        )


def _folder_language(folder: Path) -> str:
    """Return the language that a folder is called after, that of its questions for `sw-en`, else English."""
    pair = pair_of(folder)
    return pair[0] if pair else coded_language_of(folder) or "en"


def _guess(path: Path) -> bool:
    """Whether a path is a BEIR folder or lies in one."""
    return path.is_dir() or bool(_CORPUS.fullmatch(path.name)) or (path.parent.name == "qrels")


FORMAT = Format(
    name="beir",
    summary="A folder of corpus, queries and judgements in BEIR's layout.",
    read={"ir": read_pairs},
    guess=_guess,
    entries=entries,
    files=files,
    tells_language=True,
)
