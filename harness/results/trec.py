"""Runs and judgements as trec_eval reads them: `qid Q0 docid rank score tag` and `qid 0 docid grade`.

Fields are separated by ASCII white space, other spaces belong to ids, and a line that begins with `#` is a comment.
What trec_eval misreads in silence is refused here: a score or grade that is no number counts as 0 for it, and an id
with a space in it moves every field after it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness._util.atomic import atomic_writer
from harness._util.lines import Readable, read_lines, valid_text
from harness.errors import DataError

_RUN = ("query", "Q0", "passage", "rank", "score", "tag")
_QRELS = ("query", "iteration", "passage", "grade")

_FIELD = re.compile(r"[^ \t\n\v\f\r]+")  # what C's isspace leaves
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"[-+]?[0-9]{1,9}")

#: The range of grades that trec_eval documents; it reserves memory for every grade up to the highest.
HIGHEST_GRADE = 127


def read_run(file: Path | Readable) -> dict[str, dict[str, float]]:
    """Query id → passage id → score, plain or gzipped. The rank column is ignored, as by trec_eval.

    Raises DataError with file and line for another number of fields, a score that is not a finite number, or a passage
    that a query has twice.
    """
    run: dict[str, dict[str, float]] = {}
    for where, (query, _, passage, _, score, _) in _rows(file, _RUN):
        hits = run.setdefault(query, {})
        if passage in hits:
            raise DataError(f"{where}: query {query!r} has passage {passage!r} a second time")
        value = float(score) if _NUMBER.fullmatch(score) else math.nan
        if not math.isfinite(value):
            raise DataError(f"{where}: score {score!r:.40} is not a finite number")
        hits[passage] = value
    if not run:
        raise DataError(f"{file}: no hits in it")
    return run


def write_run(path: Path, run: Mapping[str, Mapping[str, float]], tag: str) -> None:
    """Write `run` to `path`, atomically, each query's hits in order of (score, id) descending.

    A query without hits has no line, and a run without any is a comment that ends with its tag. Raises DataError,
    before anything is written, for a score that is not finite and for what the format cannot hold: ids or a tag that
    are empty or hold white space.
    """
    _check_field(tag, "tag")
    for query, hits in run.items():
        _check_query(query)
        for passage, score in hits.items():
            _check_field(passage, "passage id")
            if not math.isfinite(score):
                raise DataError(f"query {query!r}, passage {passage!r}: score {score!r} is not a finite number")
    with atomic_writer(path) as stream:
        if not any(run.values()):
            stream.write(f"# no hits: {tag}\n".encode())
        for query, hits in run.items():
            order = sorted(hits.items(), key=lambda hit: (hit[1], hit[0]), reverse=True)
            for rank, (passage, score) in enumerate(order, start=1):
                stream.write(f"{query} Q0 {passage} {rank} {float(score)!r} {tag}\n".encode())


def read_qrels(file: Path | Readable, *, iteration: str | None = None) -> dict[str, dict[str, int]]:
    """Query id → passage id → grade, plain or gzipped; zeros and negative grades are kept.

    With `iteration`, only judgements with that word in the second column, which some tracks use for the language.
    Raises DataError with file and line for another number of fields, a grade that is not an integer of trec_eval's
    range, or a passage that is judged twice for one query, which trec_eval refuses whether the grades agree or not.
    """
    qrels: dict[str, dict[str, int]] = {}
    for where, (query, second, passage, grade) in _rows(file, _QRELS):
        if iteration not in (None, second):
            continue
        grades = qrels.setdefault(query, {})
        if passage in grades:
            raise DataError(f"{where}: query {query!r} judges passage {passage!r} a second time")
        if not _INTEGER.fullmatch(grade) or abs(int(grade)) > HIGHEST_GRADE:
            raise DataError(f"{where}: grade {grade!r:.40} is not an integer from {-HIGHEST_GRADE} to {HIGHEST_GRADE}")
        grades[passage] = int(grade)
    if not qrels:
        raise DataError(f"{file}: no judgements in it" + ("" if iteration is None else f" under {iteration!r}"))
    return qrels


def write_qrels(path: Path, qrels: Mapping[str, Mapping[str, int]]) -> None:
    """Write `qrels` to `path`, atomically. Raises DataError, before that, for what the format cannot hold."""
    for query, grades in qrels.items():
        _check_query(query)
        for passage, grade in grades.items():
            _check_field(passage, "passage id")
            if abs(grade) > HIGHEST_GRADE:
                raise DataError(f"query {query!r}, passage {passage!r}: grade {grade} is beyond {HIGHEST_GRADE}")
    with atomic_writer(path) as stream:
        for query, grades in qrels.items():
            for passage, grade in grades.items():
                stream.write(f"{query} 0 {passage} {int(grade)}\n".encode())


def _rows(file: Path | Readable, names: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """(file:line, fields) of every line that is no comment."""
    for number, line in read_lines(file):
        if line.startswith("#"):
            continue
        fields = _FIELD.findall(line)
        if "\0" in line:  # ids end there for C
            raise DataError(f"{file}:{number}: holds a NUL character")
        if len(fields) != len(names):
            raise DataError(
                f"{file}:{number}: {len(fields)} field(s) where {len(names)} are expected: {', '.join(names)}",
                _advice(line, len(fields), names),
            )
        yield f"{file}:{number}", fields


def _advice(line: str, count: int, names: tuple[str, ...]) -> str | None:
    """What a file with such a line may be."""
    if line.lstrip()[:1] in ("[", "{"):
        return "This looks like JSON; lists of predicted texts are for tasks that are scored by answers."
    if count > len(names):
        return "Ids and tags cannot hold white space."
    if names == _QRELS and count == 3:
        return "Judgements in BEIR layout have three columns; give their folder to --source."
    if names == _RUN and count == 4:
        return "This looks like judgements, which go to --qrels."
    return None


def _check_query(query: str) -> None:
    _check_field(query, "query id")
    if query[0] in "#\ufeff":  # the line would be a comment; the mark would be taken for the file's own
        raise DataError(f"query id {query!r:.80} begins with a character that would not be read back")


def _check_field(value: str, what: str) -> None:
    if not _FIELD.fullmatch(value) or "\0" in value:
        raise DataError(f"{what} {value!r:.80} is empty or holds white space, which a TREC file cannot hold")
    valid_text(value, what, f"{value!r:.80}")
