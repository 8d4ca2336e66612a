"""NeuCLIR's files: topics in many versions, judgements of three languages in one file, documents without text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness._util import lines
from harness.sources.official.source import OfficialSource
from harness.tasks import task

from .mini_common import holds, load, put, refusal, rewrite, survives, trec
from .mini_neuclir import NEUCLIR, write_neuclir

_TASK = task("neuclir-2022")


@pytest.mark.parametrize("name", NEUCLIR)
@pytest.mark.parametrize("packed", [False, True], ids=["hub", "archive"])
def test_reads_what_was_written(tmp_path: Path, packed: bool, name: str) -> None:
    """Documents of one language, English topics that this language judges, and its judgements alone."""
    collection = load(write_neuclir(tmp_path / "data", packed=packed), f"neuclir-2022/{name}", "test")
    holds(collection, NEUCLIR[name])
    assert collection.variant == "unofficial"


def test_judgements_of_one_language(tmp_path: Path) -> None:
    """NIST has the judgements of each language in a file of its own as well; a language without any is absent."""
    root = write_neuclir(tmp_path / "data")
    (root / "2022-qrels.all").unlink()
    put(root / "2022-qrels.fas", trec(NEUCLIR["en-fa"].qrels, " ", "fas"))
    holds(load(root, "neuclir-2022/en-fa", "test"), NEUCLIR["en-fa"])
    (offered,) = OfficialSource(root, tmp_path / "cache").tasks()
    assert offered.absent == ("en-ru", "en-zh")


def test_judgements_of_other_languages_alone(tmp_path: Path) -> None:
    """A file of judgements without the language of the documents is an error that says so."""
    root = write_neuclir(tmp_path / "data")
    put(root / "2022-qrels.all", trec(NEUCLIR["en-ru"].qrels, " ", "rus"))
    assert refusal(root, "neuclir-2022/en-fa", "test") == f"{root / '2022-qrels.all'}: no judgements in it under 'fas'"


_DOCS, _TOPICS, _QRELS = "data/rus-00000-of-00001.jsonl.gz", "topics.0720.utf8.jsonl", "2022-qrels.all"


def _json(**row: Any) -> bytes:
    return json.dumps(row).encode()


def _topic(**version: Any) -> bytes:
    return _json(topic_id="114", topics=[{"lang": "eng", **version}])


_BAD = {
    "no text": (_DOCS, 2, _json(id="9f31", title="a"), "no 'text' field"),
    "text no string": (_DOCS, 2, _json(id="9f31", title="a", text=1), "'text' must be a string"),
    "no id": (_DOCS, 2, _json(title="a", text="b"), "no 'docid' field"),
    "id twice": (_DOCS, 3, _json(id="00017", title="a", text="b"), "passage id '00017' was used in"),
    "broken JSON": (_DOCS, 2, b"{", "not valid JSON"),
    "topic without id": (_TOPICS, 2, _json(topics=[]), "no 'topic_id' field"),
    "topic without versions": (_TOPICS, 2, _json(topic_id="114"), "one version with 'lang' eng, not 0"),
    "topic not in English": (_TOPICS, 2, _json(topic_id="114", topics=[{"lang": "fas"}]), "'lang' eng, not 0"),
    "two English versions": (_TOPICS, 2, _json(topic_id="114", topics=[{"lang": "eng"}] * 2), "'lang' eng, not 2"),
    "no title": (_TOPICS, 2, _topic(topic_description="a"), "'topic_title' must be a string"),
    "empty description": (_TOPICS, 2, _topic(topic_title="a", topic_description=" "), "empty topic_description"),
    "topic twice": (_TOPICS, 2, _topic(topic_title="a", topic_description="b").replace(b"114", b"100"), "twice"),
    "three fields": (_QRELS, 3, b"100 rus 00017", "3 field(s) where 4 are expected"),
    "grade no integer": (_QRELS, 3, b"100 rus 00017 1.5", "grade '1.5' is not an integer"),
    "two grades": (_QRELS, 4, b"100 rus 00017 0", "a second time"),
    "unknown topic": (_QRELS, 4, b"77 rus 00017 0", "judges topic '77', which is not among the topics"),
}


@pytest.mark.parametrize(("file", "line", "data", "message"), _BAD.values(), ids=_BAD.keys())
def test_malformed(tmp_path: Path, file: str, line: int, data: bytes, message: str) -> None:
    """Every way of being malformed is one message with file and line."""
    root = write_neuclir(tmp_path / "data")
    path = root / file
    rewrite(path, line, data)
    told = refusal(root, "neuclir-2022/en-ru", "test")
    assert told.startswith(f"{path}:{line}: ") and message in told, told


@pytest.mark.parametrize("file", [_DOCS, _TOPICS, _QRELS])
def test_damaged_files(tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off, flipped, re-encoded, endless: an error, or what the file says."""
    monkeypatch.setattr(lines, "LONGEST_LINE", 8000)
    root = write_neuclir(tmp_path / "data")
    survives(root, "neuclir-2022/en-ru", "test", root / file, NEUCLIR["en-ru"])


def test_run(tmp_path: Path, cli: Callable[..., Any]) -> None:
    """A run scores what is plain to see, a document without any text among the documents."""
    root = tmp_path / "data"
    rows = ({"id": "a", "title": "", "text": ""}, {"id": "b", "title": "fish", "text": "lake"})
    put(root / "neuclir1" / "rus" / "docs.jsonl", b"\n".join(_json(**row) for row in rows))
    versions = [{"lang": "eng", "topic_title": "fish", "topic_description": "lake"}]
    put(root / "topics.0720.utf8.jsonl", _json(topic_id="1", topics=versions))
    put(root / "2022-qrels.all", b"1 rus b 3\n1 zho c 3")
    done = cli("run", "--encoder", "hashing", "--source", root, "--output", "out", "--json")
    assert done.code == 0, done.err
    (result,) = [json.loads(path.read_text("utf-8")) for path in Path("out").rglob("*.json")]
    (subset,) = result["subsets"].values()
    assert subset["metrics"]["ndcg@20"] == subset["metrics"]["recall@100"] == 1.0
