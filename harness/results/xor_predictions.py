"""XOR-Retrieve's files: predicted texts, `[{"id", "lang", "ctxs": [text, …]}, …]`, and questions with answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness._util.atomic import atomic_writer
from harness._util.lines import DAMAGE, Readable, read_json, read_json_lines, string_field, unpacked, valid_text
from harness._util.names import did_you_mean
from harness.errors import DataError


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was retrieved for one question: texts in rank order. `language` is None where the file does not say."""

    id: str
    language: str | None
    contexts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question's answers. `language` is None where the file does not say."""

    id: str
    language: str | None
    answers: tuple[str, ...]


def looks_like_predictions(file: Path | Readable) -> bool:
    """True when `file` begins as JSON does; a TREC run is the other thing it may be."""
    with unpacked(file) as stream:
        try:
            start = stream.read(1024)
        except (OSError, *DAMAGE):  # damaged; whoever reads it next says where
            return False
    return start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{")


def read_predictions(file: Path | Readable) -> list[Prediction]:
    """The predictions of `file` in its order, plain or gzipped; some systems write `q_id` for `id`.

    Raises DataError with the index (from 0) and id of the entry that is malformed or repeats a question.
    """
    rows = read_json(file)
    if not isinstance(rows, list):
        raise DataError(
            f"{file}: a JSON list of predictions is expected, not {type(rows).__name__}",
            'The layout is [{"id": …, "lang": …, "ctxs": [text, …]}, …].',
        )
    found = [_prediction(row, f"{file}: entry {index}") for index, row in enumerate(rows)]
    if not found:
        raise DataError(f"{file}: no predictions in it")
    _refuse_repeats(found, str(file))
    return found


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write `predictions` to `path`, atomically. Raises DataError, before that, for what could not be read back."""
    rows = list(predictions)
    for index, row in enumerate(rows):
        _prediction(_as_json(row), f"entry {index}")
    _refuse_repeats(rows, "predictions")
    with atomic_writer(path) as stream:
        stream.write(b"[")
        for index, row in enumerate(rows):
            stream.write(b",\n" if index else b"\n")
            stream.write(json.dumps(_as_json(row), ensure_ascii=False).encode())
        stream.write(b"\n]\n")


def read_answers(file: Path | Readable) -> list[Question]:
    """The questions of a JSONL file with id, answers and lang, such as `xor_dev_retrieve_eng_span_v1_1.jsonl`.

    Raises DataError with file and line.
    """
    found: list[Question] = []
    lines: dict[tuple[str, str | None], int] = {}
    for number, row in read_json_lines(file):
        where = f"{file}:{number}"
        question = Question(string_field(row, "id", where), _language(row, where), _texts(row, "answers", where))
        first = lines.setdefault((question.id, question.language), number)
        if first != number:
            raise DataError(f"{where}: question {question.id!r} stands in line {first} already")
        found.append(question)
    if not found:
        raise DataError(f"{file}: no questions in it")
    return found


def _prediction(row: Any, where: str) -> Prediction:
    if not isinstance(row, dict):
        raise DataError(f"{where}: a JSON object is expected, not {type(row).__name__}")
    name = string_field(row, "q_id" if "q_id" in row and "id" not in row else "id", where)
    where = f"{where} ({name!r:.80})"
    return Prediction(name, _language(row, where), _texts(row, "ctxs", where))


def _language(row: dict[str, Any], where: str) -> str | None:
    return None if row.get("lang") is None else string_field(row, "lang", where)


def _texts(row: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    """`row[key]` as strings, which may be empty. Raises DataError that begins with `where`."""
    if key not in row:
        raise DataError(f"{where}: no {key!r} field", did_you_mean(key, row))
    texts = row[key]
    if not isinstance(texts, list):
        raise DataError(f"{where}: {key!r} must be a list of strings, not {type(texts).__name__}")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"{where}: {key}[{index}] must be a string, not {type(text).__name__}")
        valid_text(text, f"{key}[{index}]", where)
    return tuple(texts)


def _refuse_repeats(predictions: Iterable[Prediction], where: str) -> None:
    """One question may stand there once for each language; the official script would count it twice."""
    seen: dict[str, dict[str | None, int]] = {}
    for index, row in enumerate(predictions):
        earlier = seen.setdefault(row.id, {})
        clash = [at for language, at in earlier.items() if row.language is None or language in (None, row.language)]
        if clash:
            raise DataError(f"{where}: entry {index} ({row.id!r:.80}) is about the same question as entry {clash[0]}")
        earlier[row.language] = index


def _as_json(row: Prediction) -> dict[str, Any]:
    language = {} if row.language is None else {"lang": row.language}
    return {"id": row.id, **language, "ctxs": list(row.contexts)}
