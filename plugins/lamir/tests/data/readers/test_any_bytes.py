"""Whatever a file holds, every reader reads it or says what is wrong with it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from harness_lamir.data.readers import FORMATS
from harness_lamir.data.rows import ROW_TYPES, Kind, texts_of
from harness_lamir.recipe import Source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import UsageError

_PASSAGE = [{"docid": "1", "title": "t", "text": "p"}]
_RECORD = {
    "_id": "a", "query": "q", "positive": "p", "title": "t", "negatives": ["n"], "text": "One. Two.", "english": "e",
    "other": "o", "language": "sw", "question": "q", "positive_ctxs": _PASSAGE, "hard_negative_ctxs": _PASSAGE,
    "positive_passages": _PASSAGE, "negative_passages": _PASSAGE,
}  # fmt: skip
_UNIT = b'<tu><tuv xml:lang="en"><seg>a</seg></tuv><tuv xml:lang="sw"><seg>b</seg></tuv></tu>'
#: A good file of each format; two rows at least, so that there is something to break between them.
_GOOD: dict[str, bytes] = {
    "wikimatrix": b"1.1\ta\tb\n1.2\tc\td\n",
    "beir": b"query-id\tcorpus-id\tscore\nq\td\t1\nq\te\t0\n",
    "dpr": json.dumps([_RECORD] * 2).encode(),
    "tevatron": (json.dumps(_RECORD) + "\n").encode() * 2,
    "jsonl": (json.dumps(_RECORD) + "\n").encode() * 2,
    "tsv": b"en\tsw\nwater\tmaji\nstone\tjiwe\n",
    "joined": b"water\tmaji\nstone\tjiwe\n",
    "tmx": b'<?xml version="1.0"?><tmx><body>' + _UNIT * 2 + b"</body></tmx>",
    "moses": b"maji\njiwe\n",
    "plain": b"One.\nTwo.\n\nThree.\nFour.\n",
}
_CASES = [(name, kind) for name, format in FORMATS.items() for kind in format.kinds]


def _place(folder: Path, name: str) -> Path:
    """Where a format's file lies, its companions written beside it."""
    if name == "beir":
        (folder / "qrels").mkdir(exist_ok=True)
        for file in ("corpus", "queries"):
            rows = [{"_id": each, "text": each} for each in "qde"]
            (folder / f"{file}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        return folder / "qrels" / "train.tsv"
    (folder / "corpus.en").write_text("water\nstone\n")
    return folder / {"wikimatrix": "WikiMatrix.en-sw.tsv", "moses": "corpus.sw"}.get(name, "sw.file")


def _settings(name: str, kind: Kind) -> dict[str, int]:
    """What a source must say of these files."""
    return {"column": 2} if (name, kind) == ("tsv", "text") else {}


@pytest.mark.parametrize(("name", "kind"), _CASES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_is_named_or_harmless(
    tmp_path: Path, source: Callable[..., Source], name: str, kind: Kind, data: st.DataObject
) -> None:
    """Good files with bytes put in, left out or changed, and any bytes at all: rows of the kind, or a UsageError."""
    good = _GOOD[name]
    at = data.draw(st.integers(0, len(good)))
    until = data.draw(st.integers(at, min(len(good), at + 8)))
    new = data.draw(
        st.binary(max_size=6) | st.sampled_from([b"\n", b"\t", b'"', b"{", b"]", b"<", b"&", b"\\", b"null"])
    )
    content = data.draw(st.sampled_from([good[:at] + new + good[until:], good[:at], new]))
    path = _place(tmp_path, name)
    path.write_bytes(gzip.compress(content)[: data.draw(st.sampled_from([None, -3]))] if len(new) > 4 else content)
    made = source(format=name, **_settings(name, kind))
    try:
        rows = [row for _, row in FORMATS[name].read[kind](path, made)]
    except UsageError as error:
        assert str(tmp_path) in error.message
        assert error.hint
        assert "\n" not in error.message
    else:
        assert rows
        assert all(type(row) is ROW_TYPES[kind] for row in rows)
        assert all(text and text == text.strip() for row in rows for text in texts_of(row))


@pytest.mark.parametrize(("name", "kind"), _CASES)
def test_the_good_files_are_good(tmp_path: Path, source: Callable[..., Source], name: str, kind: Kind) -> None:
    """What is damaged above can be read when it is not."""
    path = _place(tmp_path, name)
    path.write_bytes(_GOOD[name])
    made = source(format=name, **_settings(name, kind))
    assert len(list(FORMATS[name].read[kind](path, made))) >= (1 if name == "beir" else 2)
