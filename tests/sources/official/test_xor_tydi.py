"""XOR-Retrieve's official files."""

from __future__ import annotations

import json
import random
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DataError
from harness.sources.official.source import OfficialSource
from harness.tasks.selection import Selected, Selection, select

from .mini_w100 import PASSAGES, STYLES, Style, w100
from .mini_xor_tydi import CORPUS, QUESTIONS, ROWS, write_xor_tydi

Cli = Callable[..., Any]


def _open(folder: Path, tmp_path: Path) -> tuple[OfficialSource, dict[str, Selected]]:
    source = OfficialSource(folder, tmp_path / "cache")
    return source, {item.subset.name: item for item in select(source.tasks(), Selection(tasks=("xor-tydi",)))}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("style", STYLES)
def test_what_was_written_is_read(tmp_path: Path, style: Style, zipped: bool) -> None:
    """Questions, answers and passages are those of the files, byte for byte, however the corpus is quoted."""
    source, subsets = _open(write_xor_tydi(tmp_path / "xor", style=style, zipped=zipped), tmp_path)
    assert list(subsets) == ["ar", "bn", "fi", "ja", "ko", "ru", "te"]
    found = source.load(subsets["te"])
    rows = [row for row in ROWS if row["lang"] == "te"]
    assert found.queries.ids == tuple(row["id"] for row in rows)
    assert found.queries.texts == tuple(row["question"] for row in rows)
    assert found.answers == {row["id"]: tuple(row["answers"]) for row in rows}
    assert found.qrels == {}
    columns = [list(found.corpus.column(name)) for name in ("id", "text", "title")]
    assert list(zip(*columns, strict=True)) == list(PASSAGES)


def test_questions_are_those_that_are_scored(tmp_path: Path) -> None:
    """Questions whose answers are all yes or no are not asked; an answer beside them is enough."""
    source, subsets = _open(write_xor_tydi(tmp_path / "xor"), tmp_path)
    asked = {name: source.asked(subsets[name]).queries.ids for name in ("ar", "fi", "te")}
    assert asked == {"ar": ("7606160988275694755",), "fi": ("10",), "te": ("7", "8")}


def test_one_corpus_for_seven_languages(tmp_path: Path) -> None:
    """The corpus is converted once, whichever language comes first."""
    source, subsets = _open(write_xor_tydi(tmp_path / "xor"), tmp_path)
    prints = {source.load(subsets[name]).corpus.fingerprint for name in ("ar", "fi", "te")}
    assert len(prints) == 1
    assert len(list((tmp_path / "cache" / "corpora").iterdir())) == 1


def test_in_an_archive(tmp_path: Path) -> None:
    """Files are found inside a tar archive as well."""
    folder = write_xor_tydi(tmp_path / "xor")
    (tmp_path / "packed").mkdir()
    with tarfile.open(tmp_path / "packed" / "xor.tar.gz", "w:gz") as tar:
        tar.add(folder, "XORQA_site/data")
    source, subsets = _open(tmp_path / "packed", tmp_path)
    found = source.load(subsets["ar"])
    assert (found.queries.ids, len(found.corpus)) == (("7606160988275694755",), len(PASSAGES))


def test_other_counts_are_kept_apart(tmp_path: Path) -> None:
    """A miniature is no XOR-Retrieve: it is told apart by its counts."""
    source, subsets = _open(write_xor_tydi(tmp_path / "xor"), tmp_path)
    found = source.load(subsets["te"])
    assert found.variant == "unofficial"
    assert "2 queries, officially 238; 6 passages, officially 18,003,200" in found.notice


def test_v1_0_and_test_files_are_not_taken(tmp_path: Path) -> None:
    """The questions of v1.0, and those of the test split without answers, are other files."""
    folder = write_xor_tydi(tmp_path / "xor")
    data = (folder / QUESTIONS).read_bytes()
    (folder / QUESTIONS).unlink()
    (folder / "xor_dev_retrieve_eng_span.jsonl").write_bytes(data)
    (folder / "xor_test_retrieve_eng_span_q_only_v1_1.jsonl").write_bytes(data)
    assert "xor-tydi" not in [task.name for task in OfficialSource(folder, tmp_path / "cache").tasks()]


_BAD: dict[str, tuple[dict[str, Any] | bytes, str]] = {
    "id twice": ({**ROWS[0], "lang": "te"}, ":7: question '7606160988275694755' was asked in line 1 already"),
    "unknown language": ({**ROWS[0], "id": "x", "lang": "sw"}, ":7: 'sw' is none of the languages ar, bn, fi, ja,"),
    "no language": ({"id": "x", "question": "y", "answers": ["z"]}, ":7: no 'lang' field"),
    "no answers": ({"id": "x", "question": "y", "lang": "te"}, ":7: no 'answers' field"),
    "answers as a string": ({**ROWS[0], "id": "x", "answers": "z"}, ":7: 'answers' must be a list of strings"),
    "a number as answer": ({**ROWS[0], "id": "x", "answers": [3]}, ":7: 'answers' must be a list of strings"),
    "an empty answer": ({**ROWS[0], "id": "x", "answers": ["a", ""]}, ":7: an empty answer"),
    "a lone surrogate": (b'{"id": "x", "question": "y", "answers": ["\\ud800"], "lang": "te"}', ":7: 'answers' holds"),
    "no id": ({"question": "y", "answers": ["z"], "lang": "te"}, ":7: no 'id' field"),
    "blank question": ({**ROWS[0], "id": "x", "question": " "}, ":7: empty question"),
    "not JSON": (b"{", ":7: not valid JSON"),
    "not an object": (b"[]", ":7: a JSON object is expected"),
    "not UTF-8": (b'{"id": "\xe9"}', ":7: not UTF-8"),
}


@pytest.mark.parametrize(("row", "message"), _BAD.values(), ids=_BAD.keys())
def test_bad_question_is_refused(tmp_path: Path, row: dict[str, Any] | bytes, message: str) -> None:
    """Every malformed question is one DataError with file and line, whichever language is asked for."""
    path = write_xor_tydi(tmp_path / "xor") / QUESTIONS
    line = row if isinstance(row, bytes) else json.dumps(row).encode()
    path.write_bytes(path.read_bytes() + b"\n" + line + b"\n")
    source, subsets = _open(tmp_path / "xor", tmp_path)
    for name in ("ar", "bn"):
        with pytest.raises(DataError) as caught:
            source.asked(subsets[name])
        assert caught.value.message.startswith(f"{path}{message}")


def test_language_without_questions(tmp_path: Path) -> None:
    """A language that nothing is asked in is refused, not scored as none."""
    source, subsets = _open(write_xor_tydi(tmp_path / "xor"), tmp_path)
    with pytest.raises(DataError, match=r"\.jsonl: no questions in 'bn' with an answer but yes and no"):
        source.load(subsets["bn"])


def test_passage_id_twice(tmp_path: Path) -> None:
    """Two passages with one id are refused with both places."""
    folder = write_xor_tydi(tmp_path / "xor", corpus=w100([*PASSAGES, PASSAGES[1]], header=False))
    source, subsets = _open(folder, tmp_path)
    with pytest.raises(DataError, match=rf"{CORPUS}:7: passage id '2' was used in .*{CORPUS}:2 already"):
        source.load(subsets["te"])


def test_damaged_questions(tmp_path: Path) -> None:
    """Random bytes changed in the questions: they are refused, or all of them are there."""
    random.seed(3)
    path = write_xor_tydi(tmp_path / "xor") / QUESTIONS
    data = path.read_bytes()
    source, subsets = _open(tmp_path / "xor", tmp_path)
    for _ in range(400):
        damaged = bytearray(data)
        damaged[random.randrange(len(data))] ^= 1 << random.randrange(8)
        path.write_bytes(damaged)
        try:
            found = source.asked(subsets["te"])
        except DataError as error:
            assert str(path) in error.message
        else:
            assert len(found.queries) == 2


def test_run(tmp_path: Path, cli: Cli) -> None:
    """`harness run` on the files scores what the benchmark's script does: here by hand.

    All six passages fit into 2,000 tokens, so every answer that survives tokenizing is found: "Nairobi", not "San
    Francisco, California", whose comma stands apart in the tokenized passage.
    """
    folder = write_xor_tydi(tmp_path / "xor")
    done = cli(
        "run",
        "-e",
        "hashing",
        "--source",
        folder,
        "-t",
        "xor-tydi/te",
        "-t",
        "xor-tydi/fi",
        "--json",
        "--output",
        "out",
    )
    assert done.code == 0, done.err
    rows = {row["subset"]: row for row in done.json()["results"]}
    assert rows["te"]["metrics"] == {"r@2kt": 0.5, "r@5kt": 0.5}
    assert rows["fi"]["metrics"] == {"r@2kt": 1.0, "r@5kt": 1.0}
    assert (rows["te"]["counts"]["queries"], rows["te"]["counts"]["passages"]) == (2, 6)
