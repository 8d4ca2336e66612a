"""Questions with answers, as the open-retrieval benchmarks have them: nobody judged passages, texts are searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from harness._util.lines import Readable, valid_text
from harness._util.names import did_you_mean
from harness.errors import DataError
from harness.sources.collection import Asked, Queries


class Question(NamedTuple):
    """One question, the answers that count as found, and the line it stands in."""

    id: str
    text: str
    answers: tuple[str, ...]
    line: int
    language: str = ""


def distinct(questions: Iterable[Question], file: Readable) -> Iterator[Question]:
    """`questions` themselves. Raises DataError for an id that is there twice."""
    seen: dict[str, int] = {}
    for question in questions:
        first = seen.setdefault(question.id, question.line)
        if first != question.line:
            raise DataError(f"{file}:{question.line}: question {question.id!r} was asked in line {first} already")
        yield question


def answerable(questions: Iterable[Question], file: Readable, what: str) -> Asked:
    """`questions` as what is asked. Raises DataError when there are none of `what`."""
    kept = list(questions)
    if not kept:
        raise DataError(f"{file}: no {what} in it")
    queries = Queries(tuple(q.id for q in kept), tuple(q.text for q in kept))
    return Asked(queries, {}, {q.id: q.answers for q in kept})


def strings_field(row: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    """`row[key]` as strings, unchanged; it must be a list of them. Raises DataError that begins with `where`."""
    if key not in row:
        raise DataError(f"{where}: no {key!r} field", did_you_mean(key, row))
    values = row[key]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise DataError(f"{where}: {key!r} must be a list of strings, not {values!r:.80}")
    return tuple(valid_text(value, repr(key), where) for value in values)
