"""DPR's JSON array, parsed element by element."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from harness_lamir.data.readers import reader_for
from harness_lamir.data.readers.dpr import stream_array
from harness_lamir.data.rows import Pair, Row
from harness_lamir.recipe import Source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import DataError

Write = Callable[[str, str | bytes], Path]
Read = Callable[..., list[tuple[int, Row]]]


def question(name: str, **changes: Any) -> dict[str, Any]:
    """A question as DPR writes it."""
    return {
        "dataset": "nq_train_psgs_w100",
        "question": name,
        "answers": ["a"],
        "positive_ctxs": [{"title": "T", "text": f"{name} yes", "score": 1000, "passage_id": "1"}, {"text": "later"}],
        "negative_ctxs": [{"title": "", "text": "easy"}],
        "hard_negative_ctxs": [{"title": "", "text": f"{name} no"}, {"title": "U", "text": "nor"}],
        **changes,
    }


def test_questions(write: Write, read: Read) -> None:
    """The first positive with its title, the hard negatives, the line that the object begins on."""
    questions = [question("q"), question("r", hard_negative_ctxs=[])]
    for name in ("nq-train.json", "nq-train.json.gz"):
        assert read(write(name, json.dumps(questions, indent=4)), "ir") == [
            (2, Pair("q", "T\n\nq yes", ("q no", "U\n\nnor"))),
            (json.dumps(questions[:1], indent=4).count("\n") + 1, Pair("r", "T\n\nr yes")),
        ]


def test_a_byte_order_mark_is_no_text(write: Write, read: Read) -> None:
    """Files of Windows are read."""
    path = write("nq.json", b"\xef\xbb\xbf" + json.dumps([question("q")]).encode() + b"\r\n")
    assert read(path, "ir") == [(1, Pair("q", "T\n\nq yes", ("q no", "U\n\nnor")))]


_STRING = st.text(st.characters(codec="utf-8"))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _STRING,
    lambda each: st.lists(each, max_size=4) | st.dictionaries(_STRING, each, max_size=4),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    items=st.lists(st.dictionaries(_STRING, _JSON, max_size=4), min_size=1),
    indent=st.sampled_from([None, 0, 2]),
    ascii=st.booleans(),
    size=st.sampled_from([1, 2, 3, 7, 64, 1 << 20]),
)
def test_any_array_in_any_blocks(
    write: Write, items: list[dict[str, Any]], indent: int | None, ascii: bool, size: int
) -> None:
    """However the file is cut into blocks, the objects are those of `json.load`, and their lines those of an editor."""
    path = write("a.json", json.dumps(items, indent=indent, ensure_ascii=ascii))
    found = list(stream_array(path, size))
    assert [item for _, item in found] == items == json.loads(path.read_text())
    if indent is not None:
        before = [json.dumps(items[:n], indent=indent, ensure_ascii=ascii).count("\n") for n in range(len(items))]
        assert [line for line, _ in found] == [2, *(count + 1 for count in before[1:])]


_GOOD = json.dumps(question("q"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"[{_GOOD},\n{{'question'}}]", r"a\.json:2: not valid JSON \(Expecting property name"),
        (f"[{_GOOD},\n{_GOOD[:-20]}", ":2: not valid JSON"),
        (f"[{_GOOD},\n{_GOOD}", ":2: expected ',' or ']' behind an object, and the file ends"),
        (f"[{_GOOD}\n{_GOOD}]", ":2: expected ',' or ']' behind an object, found '{"),
        (f"[{_GOOD},\n]", ":2: expected '{', the beginning of an object, found ']'"),
        (f"[{_GOOD},\n", ":2: expected '{', the beginning of an object, and the file ends"),
        (f"[{_GOOD}]\n[]", ":2: more text behind the end of the array"),
        (f"\n{_GOOD}", r":2: expected '\[', the beginning of an array"),
        ("[1, 2]", ":1: expected '{', the beginning of an object, found '1"),
        ('["a"]', ":1: expected '{'"),
        ("[]", "the array is empty"),
        ("", r":1: expected '\[', the beginning of an array, and the file ends"),
        (f'[{_GOOD},\n{{"a": "x\ny"}}]', r":2: not valid JSON \(Invalid control character"),
        ('[{"a": ' + "[" * 200_000, r":1: not valid JSON"),
        ('[{"a": ' + "9" * 5000 + "}]", r":1: not valid JSON"),
        (f"[{_GOOD},\n\n".encode() + b'{"question": "\xff"}]', r":3: not UTF-8"),
        (json.dumps([question("q", positive_ctxs=[])]), ":1: 'q' has no 'positive_ctxs'"),
        (json.dumps([question("q", positive_ctxs=None)]), ":1: 'q' has no 'positive_ctxs'"),
        (json.dumps([question("q", positive_ctxs={"text": "x"})]), ":1: 'positive_ctxs' must be a list of passages"),
        (json.dumps([question("q", positive_ctxs=[3])]), r":1: positive_ctxs\[0\]: a passage must be"),
        (json.dumps([question("q", hard_negative_ctxs=[{"title": "x"}])]), r":1: hard_negative_ctxs\[0\]: 'text' must"),
        (
            json.dumps([question("q", positive_ctxs=[{"title": 3, "text": "x"}])]),
            r"positive_ctxs\[0\]: 'title' must be",
        ),
        (json.dumps([question("q", question=None)]), ":1: 'question' must be a string"),
        (json.dumps([question("q", question="\ud800")]), ":1: question holds a lone surrogate"),
        (json.dumps([question("q", hard_negative_ctxs=["\ud800"])]), "a passage holds a lone surrogate"),
    ],
)
def test_malformed(write: Write, refused: Callable[..., object], content: str | bytes, message: str) -> None:
    """Every refusal says which file, which line, what is wrong, and what to do."""
    refused(write("a.json", content), "ir", message)


def test_a_truncated_archive(write: Write, refused: Callable[..., object]) -> None:
    """Gzip data that is cut off is refused, wherever it is cut."""
    packed = gzip.compress(json.dumps([question(str(n)) for n in range(500)]).encode())
    for length in (20, len(packed) // 2, len(packed) - 1):
        refused(write("a.json", packed[:length]), "ir", r"a\.json: damaged after")


def test_an_array_without_end_is_streamed(write: Write, source: Callable[..., Source]) -> None:
    """Rows come long before the error at the end, in the memory of a few blocks and not of the file."""
    text = "[" + ",\n".join([json.dumps(question("q", answers=["x" * 20_000]))] * 1500)
    path = write("nq.json.gz", text)
    del text
    tracemalloc.start()
    rows = reader_for(path, "ir", source())(path, source())
    assert len(list(islice(rows, 1500))) == 1500
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 << 20  # the file is 30 MB
    with pytest.raises(DataError, match=":1500: expected ',' or ']'"):
        next(rows)


def test_a_broken_object_is_told_at_once(write: Write, source: Callable[..., Source]) -> None:
    """JSON that is wrong in the middle is not looked for to the end of the file."""
    path = write("nq.json", f"[{_GOOD},\n{{oops}},\n" + "x" * (8 << 20))
    tracemalloc.start()
    rows = reader_for(path, "ir", source())(path, source())
    next(rows)
    with pytest.raises(DataError, match=":2: not valid JSON"):
        next(rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 << 20


def test_an_object_without_end(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object is read up to a limit, not into all of the memory."""
    monkeypatch.setattr("harness_lamir.data.readers.dpr.LONGEST", 1 << 20)
    path = write("nq.json", '[{"a": "' + "x" * (4 << 20))
    with pytest.raises(DataError, match=":1: an object of more than 1 Mi characters"):
        list(stream_array(path, 1 << 16))
