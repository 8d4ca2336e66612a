"""CIRAL's files: their oddities, the pools of test-a, and the topics that are not used."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness._util import lines
from harness.errors import DataError
from harness.results.trec import read_qrels
from harness.sources.official import HubFile
from harness.sources.official.ciral import Ciral
from harness.sources.official.source import OfficialSource
from harness.tasks import task
from harness.tasks.selection import Selected

from .mini_ciral import CIRAL, pools, write_ciral
from .mini_common import holds, load, pack, put, refusal, rewrite, survives

_TASK = task("ciral")


@pytest.mark.parametrize("name", CIRAL)
@pytest.mark.parametrize("split", ["dev", "test-a", "test-b"])
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_reads_what_was_written(tmp_path: Path, packed: bool, split: str, name: str) -> None:
    """Passages in their language, English topics with their quotes and spaces, and judgements, to the character."""
    root = write_ciral(tmp_path / "data")
    if packed:
        root = pack(root, tmp_path / "packed" / "ciral.zip").parent
    holds(load(root, f"ciral/{name}", split), CIRAL[name])


@pytest.mark.parametrize("name", CIRAL)
def test_pools(tmp_path: Path, name: str) -> None:
    """The pools of test-a ask the same topics and judge more."""
    collection = load(write_ciral(tmp_path / "data"), f"ciral/{name}", "test-a-pools")
    holds(collection, CIRAL[name]._replace(qrels=pools(CIRAL[name])))


def test_translations_are_never_read(tmp_path: Path) -> None:
    """English translations of the passages have the same file names, and do not stand in for the passages."""
    root = write_ciral(tmp_path / "data")
    (root / "ciral-corpus" / "passages-v1.0" / "yoruba_passages.jsonl").unlink()
    assert "needs passages-v1.0/yoruba_passages.jsonl" in refusal(root, "ciral/en-yo", "test-b")
    (offered,) = OfficialSource(root, tmp_path / "cache").tasks()
    assert "en-yo" in offered.absent


_ASKED = "ciral/ciral-yoruba"
_DOCS = "ciral-corpus/passages-v1.0/yoruba_passages.jsonl"
_TOPICS = f"{_ASKED}/topics/topics.ciral-v1.0-yo-test-b.tsv"
_QRELS = f"{_ASKED}/qrels/qrels.ciral-v1.0-yo-test-b.tsv"


def test_a_judged_topic_that_was_not_published(tmp_path: Path) -> None:
    """It is left out where nothing is relevant to it, as in Swahili's test-b; else the topics are not whole."""
    root = write_ciral(tmp_path / "data")
    rewrite(root / _QRELS, 0, b"7\tQ0\tVOA#3#0\t0")
    holds(load(root, "ciral/en-yo", "test-b"), CIRAL["en-yo"])
    rewrite(root / _QRELS, 0, b"7\tQ0\tVOA#3#1\t1")
    told = refusal(root, "ciral/en-yo", "test-b")
    assert told.startswith(f"{root / _QRELS}:4: judges topic '7'")


def _json(**row: Any) -> bytes:
    return json.dumps(row).encode()


_BAD = {
    "no text": (_DOCS, 2, _json(docid="VOA#3#1", title="a"), "no 'text' field"),
    "neither title nor text": (_DOCS, 2, _json(docid="VOA#3#1", title=None, text=" "), "neither title nor text"),
    "no id": (_DOCS, 2, _json(title="a", text="b"), "no 'docid' field"),
    "id twice": (_DOCS, 3, _json(docid="VOA#3#0", title="a", text="b"), "passage id 'VOA#3#0' was used in"),
    "broken JSON": (_DOCS, 2, b'{"docid"', "not valid JSON"),
    "not UTF-8": (_DOCS, 2, b'{"docid": "caf\xe9"}', "not UTF-8"),
    "topic without tab": (_TOPICS, 1, b"509", "a tab and a query are expected"),
    "topic twice": (_TOPICS, 0, b"509\tagain", "topic '509' is there twice"),
    "five fields": (_QRELS, 1, b"509\tQ0\tVOA#3#0\t1\tx", "5 field(s) where 4 are expected"),
    "grade no integer": (_QRELS, 1, b"509\tQ0\tVOA#3#0\t1.0", "grade '1.0' is not an integer"),
    "two grades": (_QRELS, 0, b"509\tQ0\tVOA#3#0\t0", "a second time"),
}


@pytest.mark.parametrize(("file", "line", "data", "message"), _BAD.values(), ids=_BAD.keys())
def test_malformed(tmp_path: Path, file: str, line: int, data: bytes, message: str) -> None:
    """Every way of being malformed is one message with file and line."""
    root = write_ciral(tmp_path / "data")
    path = root / file
    rewrite(path, line, data)
    told = refusal(root, "ciral/en-yo", "test-b")
    assert told.startswith(f"{path}:{line or {_TOPICS: 3, _QRELS: 4}[file]}: ") and message in told, told


@pytest.mark.parametrize("file", [_DOCS, _TOPICS, _QRELS])
def test_damaged_files(tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off, flipped, re-encoded, endless: an error, or what the file says."""
    monkeypatch.setattr(lines, "LONGEST_LINE", 8000)
    root = write_ciral(tmp_path / "data")
    survives(root, "ciral/en-yo", "test-b", root / file, CIRAL["en-yo"])


_SUBSETS = [subset.name for subset in _TASK.subsets]


def _published(shared_data: Path, name: str, split: str) -> dict[str, str]:
    with (shared_data / "published" / "evaluation_sets.csv").open(encoding="utf-8", newline="") as stream:
        key = ("ciral", name.removeprefix("en-"), split)
        (row,) = [r for r in csv.DictReader(stream) if (r["benchmark"], r["language"], r["split"]) == key]
    return row


@pytest.mark.parametrize("split", ["test-a", "test-b"])
@pytest.mark.parametrize("name", _SUBSETS)
def test_real_topics_and_judgements(shared_data: Path, tmp_path: Path, name: str, split: str) -> None:
    """All real topics and judgements of the test sets are read, as many as were published, and none is changed."""
    folder, code = shared_data / "official" / "ciral-v1.0", name.removeprefix("en-")
    asked = OfficialSource(folder, tmp_path).asked(Selected(_TASK, _TASK.subset(name), split))
    row = _published(shared_data, name, split)
    grades = [grade for judged in asked.qrels.values() for grade in judged.values()]
    lost = int((name, split) == ("en-sw", "test-b"))  # topic 23: one judgement, irrelevant, and no text
    assert len(asked.queries) == len(asked.qrels) == _TASK.queries[name, split] == int(row["n_queries"]) - lost
    assert len(grades) == int(row["n_qrels"]) - lost
    assert sum(grades) == int(row["n_positive"]) and set(grades) == {0, 1}
    data = (folder / f"topics.ciral-v1.0-{code}-{split}.tsv").read_text("utf-8")
    pairs = zip(asked.queries.ids, asked.queries.texts, strict=True)
    assert "\n".join(map("\t".join, pairs)) == data.rstrip("\n")


@pytest.mark.parametrize("name", _SUBSETS)
def test_real_judgements_of_dev(shared_data: Path, tmp_path: Path, name: str) -> None:
    """Of dev we hold the judgements alone: whole, though the last line has no end. Without topics nothing is asked."""
    folder, code = shared_data / "official" / "ciral-v1.0", name.removeprefix("en-")
    qrels = read_qrels(lines.PlainFile(folder / f"qrels.ciral-v1.0-{code}-dev.tsv"))
    row = _published(shared_data, name, "dev")
    grades = [grade for judged in qrels.values() for grade in judged.values()]
    assert len(qrels) == int(row["n_judged_queries"]) == _TASK.queries[name, "dev"]
    assert len(grades) == int(row["n_qrels"]) + 1  # which was counted by line ends
    assert sum(grades) == int(row["n_positive"])
    with pytest.raises(DataError, match=f"needs ciral-.*/topics.ciral-v1.0-{code}-dev.tsv"):
        OfficialSource(folder, tmp_path).asked(Selected(_TASK, _TASK.subset(name), "dev"))


def test_origins() -> None:
    """Everything comes from the hub at pinned revisions."""
    for subset in _TASK.subsets:
        for split in _TASK.splits:
            for part in Ciral().parts(subset, split):
                (origin,) = part.origins
                assert isinstance(origin, HubFile) and len(origin.revision) == 40 and "-native" not in origin.path
                assert part.names[0].startswith(origin.path) or part.names[0] == origin.path


def test_run(tmp_path: Path, cli: Callable[..., Any]) -> None:
    """A run scores what is plain to see, by texts alone: a title does not help, and a passage without text is last."""
    root = tmp_path / "data"
    rows = ({"docid": "V#1", "title": "lake", "text": ""}, {"docid": "V#2", "title": "x", "text": "lake"})
    put(root / "passages-v1.0" / "yoruba_passages.jsonl", b"\n".join(_json(**row) for row in rows))
    put(root / "ciral-yoruba" / "topics" / "topics.ciral-v1.0-yo-test-b.tsv", b"1\tlake\n2\tlake?")
    put(root / "ciral-yoruba" / "qrels" / "qrels.ciral-v1.0-yo-test-b.tsv", b"1\tQ0\tV#2\t1\n2\tQ0\tV#1\t1")
    done = cli("run", "--encoder", "hashing", "--source", root, "--output", "out", "--json")
    assert done.code == 0, done.err
    (result,) = [json.loads(path.read_text("utf-8")) for path in Path("out").rglob("*.json")]
    (subset,) = result["subsets"].values()
    assert subset["per_query"]["ranking"]["values"]["ndcg@20"] == [1.0, pytest.approx(0.6309, abs=1e-4)]
    assert subset["metrics"]["ndcg@20"] == pytest.approx((1 + 0.63093) / 2, abs=1e-4)
    assert subset["metrics"]["recall@100"] == 1.0
