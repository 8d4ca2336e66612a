"""Lists of predicted texts, and files of questions with answers."""

from __future__ import annotations

import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.results.xor_predictions import (
    Prediction,
    Question,
    looks_like_predictions,
    read_answers,
    read_predictions,
    write_predictions,
)


class Memory:
    """Bytes as a file."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __str__(self) -> str:
        return "memory"

    def open(self) -> io.BytesIO:
        """A new stream."""
        return io.BytesIO(self._data)


def _json(value: Any) -> Memory:
    return Memory(json.dumps(value).encode())


def test_both_spellings_of_the_id_are_read() -> None:
    """`id` or `q_id`, numbers as strings; the language may be left out, texts may be empty or none."""
    rows = [
        {"id": "1", "lang": "te", "ctxs": ["a", ""]},
        {"q_id": 2, "ctxs": []},
        {"id": "1", "lang": "bn", "ctxs": ["b"], "anything": {"else": 1}},
    ]
    expected = [Prediction("1", "te", ("a", "")), Prediction("2", None, ()), Prediction("1", "bn", ("b",))]
    assert read_predictions(_json(rows)) == expected
    assert read_predictions(Memory(gzip.compress(json.dumps(rows).encode()))) == expected


OK = {"id": "ok", "lang": "te", "ctxs": []}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"data": []}, "memory: a JSON list of predictions is expected, not dict"),
        ([], "memory: no predictions in it"),
        ([OK, 3], "memory: entry 1: a JSON object is expected, not int"),
        ([OK, {"ctxs": []}], "memory: entry 1: no 'id' field"),
        ([OK, {"id": "", "ctxs": []}], "memory: entry 1: 'id' must be a non-empty string"),
        ([OK, {"id": "x", "lang": 1.5, "ctxs": []}], "memory: entry 1 ('x'): 'lang' must be"),
        ([OK, {"id": "x", "ctx": []}], "memory: entry 1 ('x'): no 'ctxs' field\n  Did you mean 'ctx'?"),
        ([OK, {"id": "x", "ctxs": "text"}], "memory: entry 1 ('x'): 'ctxs' must be a list of strings, not str"),
        ([OK, {"id": "x", "ctxs": ["a", {"text": "b"}]}], "memory: entry 1 ('x'): ctxs[1] must be a string, not dict"),
        ([OK, {"id": "x", "ctxs": ["\ud800"]}], "memory: entry 1 ('x'): ctxs[0] holds a lone surrogate"),
        ([OK, OK], "memory: entry 1 ('ok') is about the same question as entry 0"),
        ([OK, {"id": "ok", "ctxs": []}], "memory: entry 1 ('ok') is about the same question as entry 0"),
        ([{"id": "ok", "ctxs": []}, OK], "memory: entry 1 ('ok') is about the same question as entry 0"),
    ],
)
def test_malformed_predictions_are_refused(rows: Any, message: str) -> None:
    """The index and the id of the entry are named."""
    with pytest.raises(DataError) as caught:
        read_predictions(_json(rows))
    assert str(caught.value).startswith(message)


def test_answers_are_read_as_the_benchmark_writes_them(tmp_path: Path) -> None:
    """id, question, answers and lang; what else a line holds is not looked at."""
    path = tmp_path / "answers.jsonl"
    path.write_text('{"id": "a", "question": "?", "answers": ["x", "yes"], "lang": "te"}\n\n{"id": 2, "answers": []}\n')
    assert read_answers(path) == [Question("a", "te", ("x", "yes")), Question("2", None, ())]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "a", "lang": "te", "answers": []}', "answers.jsonl:2: question 'a' stands in line 1 already"),
        ('{"id": "b", "answers": "x"}', "answers.jsonl:2: 'answers' must be a list of strings"),
        ('{"id": "b", "answer": []}', "answers.jsonl:2: no 'answers' field\n  Did you mean 'answer'?"),
        ('{"id": "b", "answers": [1]}', "answers.jsonl:2: answers[0] must be a string, not int"),
        ('{"id": "b", ', "answers.jsonl:2: not valid JSON"),
    ],
)
def test_malformed_answers_are_refused(tmp_path: Path, line: str, message: str) -> None:
    """The line is named."""
    path = tmp_path / "answers.jsonl"
    path.write_text(f'{{"id": "a", "lang": "te", "answers": []}}\n{line}\n')
    with pytest.raises(DataError, match=re.escape(message)):
        read_answers(path)
    path.write_text("\n")
    with pytest.raises(DataError, match="no questions in it"):
        read_answers(path)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'[{"id": 1}]', True),
        (b"\xef\xbb\xbf\n [", True),
        (b'{"a": 1}', True),
        (gzip.compress(b" [", mtime=0), True),
        (b"q1 Q0 d 1 1 t", False),
        (b"", False),
        (gzip.compress(b"[" * 9999, mtime=0)[:14], False),
    ],
)
def test_predictions_are_told_from_runs(data: bytes, expected: bool) -> None:
    """By how the file begins; a damaged one is left to whoever reads it."""
    assert looks_like_predictions(Memory(data)) is expected


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_language = st.sampled_from(["ar", "bn", "te"])
_predictions = st.dictionaries(
    st.tuples(_text.filter(bool), _language), st.lists(_text, max_size=3), min_size=1, max_size=5
).map(lambda rows: [Prediction(name, language, tuple(ctxs)) for (name, language), ctxs in rows.items()])


@given(rows=_predictions)
def test_predictions_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, rows: list[Prediction]) -> None:
    """Whatever can be written is read back equal, and is one entry to a line."""
    path = tmp_path_factory.mktemp("predictions") / "predictions.json"
    write_predictions(path, rows)
    assert read_predictions(path) == rows
    assert [entry["id"] for entry in json.loads(path.read_bytes())] == [row.id for row in rows]
    assert path.read_bytes().count(b"\n") == len(rows) + 2


@pytest.mark.parametrize(
    "rows",
    [
        [Prediction("", "te", ())],
        [Prediction("a", "te", ("\ud800",))],
        [Prediction("a", "", ())],
        [Prediction("a", "te", ()), Prediction("a", "te", ())],
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path: Path, rows: list[Prediction]) -> None:
    """Nothing is left on disk."""
    with pytest.raises(DataError):
        write_predictions(tmp_path / "predictions.json", rows)
    assert list(tmp_path.iterdir()) == []


VALID = json.dumps(
    [{"id": f"é{i}", "lang": "te", "ctxs": ["töxt", 'with "quotes"'] * i} for i in range(4)], ensure_ascii=False
).encode()


@given(data=st.data(), zipped=st.booleans())
def test_a_damaged_file_is_refused_or_read(data: st.DataObject, zipped: bool) -> None:
    """Cut short, with a bit turned over or foreign bytes in it, a file is an error with its name or is read."""
    raw = bytearray(gzip.compress(VALID, mtime=0) if zipped else VALID)
    damage = data.draw(st.sampled_from(["cut", "bit", "bytes", "nested"]))
    place = data.draw(st.integers(0, len(raw) - 1))
    if damage == "cut":
        del raw[place:]
    elif damage == "bit":
        raw[place] ^= 1 << data.draw(st.integers(0, 7))
    elif damage == "bytes":
        raw[place:place] = data.draw(st.binary(min_size=1, max_size=6))
    else:
        raw[place:place] = b"[" * 50_000
    try:
        found = read_predictions(Memory(bytes(raw)))
    except DataError as error:
        assert str(error).startswith("memory: "), error
    else:
        assert found
    looks_like_predictions(Memory(bytes(raw)))
