"""Mr.TyDi's files: archives, what came out of them, what the hub has, and what anserini ships."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness._util import lines
from harness.sources.official import HubFile, Url, find
from harness.sources.official.mr_tydi import MrTyDi
from harness.sources.official.source import OfficialSource
from harness.sources.tree import list_tree
from harness.tasks import task
from harness.tasks.selection import Selected, Selection, select

from .mini_common import TEXTS, holds, load, pack, put, refusal, rewrite, survives, topics, trec
from .mini_mr_tydi import MR_TYDI, write_mr_tydi, write_mr_tydi_hub

_TASK = task("mr-tydi")


@pytest.mark.parametrize("name", MR_TYDI)
@pytest.mark.parametrize("split", ["dev", "test"])
@pytest.mark.parametrize("packed", [False, True], ids=["folders", "archives"])
def test_reads_what_was_written(tmp_path: Path, packed: bool, split: str, name: str) -> None:
    """Passages, topics and judgements of archives and folders, to the character."""
    collection = load(write_mr_tydi(tmp_path / "data", packed=packed), f"mr-tydi/{name}", split)
    holds(collection, MR_TYDI[name])
    assert collection.variant == "unofficial" and "passages, officially" in collection.notice


@pytest.mark.parametrize("name", MR_TYDI)
def test_hub_files_say_the_same(tmp_path: Path, name: str) -> None:
    """The hub's JSON lines give the same collection as the archives, with the same fingerprint."""
    official = load(write_mr_tydi(tmp_path / "official"), f"mr-tydi/{name}", "test")
    from_hub = load(write_mr_tydi_hub(tmp_path / "hub"), f"mr-tydi/{name}", "test")
    holds(from_hub, MR_TYDI[name])
    assert from_hub.fingerprint == official.fingerprint


def test_offers_what_is_there(tmp_path: Path) -> None:
    """A source offers the languages and splits whose files are all there, and names the other languages."""
    root = write_mr_tydi(tmp_path / "data", splits=("dev",))
    (root / "mrtydi-v1.1-thai" / "qrels.dev.txt").unlink()
    (offered,) = OfficialSource(root, tmp_path / "cache").tasks()
    assert offered.subset_splits == {"ar": ("dev",), "te": ("dev",)}
    assert {"th", "en", "sw"} <= set(offered.absent)
    assert [s.label for s in select([offered], Selection())] == ["mr-tydi/ar", "mr-tydi/te"]


def test_topics_of_anserini(tmp_path: Path) -> None:
    """Topics and judgements may be those that anserini ships, beside a corpus of the hub."""
    root = write_mr_tydi_hub(tmp_path / "data", splits=())
    put(root / "topics.mrtydi-v1.1-te.test.txt.gz", topics(TEXTS["te"].queries))
    put(root / "qrels.mrtydi-v1.1-te.test.txt", trec(MR_TYDI["te"].qrels))
    holds(load(root, "mr-tydi/te", "test"), MR_TYDI["te"])


_DOCS = "mrtydi-v1.1-telugu/collection/docs.jsonl.gz"
_TOPICS = "mrtydi-v1.1-telugu/topic.test.tsv"
_QRELS = "mrtydi-v1.1-telugu/qrels.test.txt"


def _json(**row: Any) -> bytes:
    return json.dumps(row).encode()


#: File, line (0: one more), what is put there, and what the message says after file and line.
_BAD = {
    "no contents": (_DOCS, 2, _json(id="5#1"), "no 'text' field"),
    "empty contents": (_DOCS, 2, _json(id="5#1", contents=" \n\n "), "empty contents"),
    "contents no string": (_DOCS, 2, _json(id="5#1", contents=3), "'contents' must be a string"),
    "no id": (_DOCS, 2, _json(contents="a\n\nb"), "no 'docid' field"),
    "broken JSON": (_DOCS, 2, b'{"id": ', "not valid JSON"),
    "no object": (_DOCS, 3, b"[]", "a JSON object is expected"),
    "id twice": (_DOCS, 3, _json(id="5#0", contents="a\n\nb"), "passage id '5#0' was used"),
    "lone surrogate": (_DOCS, 2, b'{"id": "x", "contents": "a\\ud800"}', "lone surrogate"),
    "not UTF-8": (_DOCS, 2, b'{"id": "caf\xe9"}', "not UTF-8"),
    "topic without tab": (_TOPICS, 1, b"3 what", "a tab and a query are expected"),
    "topic without text": (_TOPICS, 2, b"40\t ", "a tab and a query are expected"),
    "topic without id": (_TOPICS, 2, b"\twhat", "a tab and a query are expected"),
    "topic twice": (_TOPICS, 0, b"3\tagain", "topic '3' is there twice"),
    "three fields": (_QRELS, 1, b"3\tQ0\t88#0", "3 field(s) where 4 are expected"),
    "five fields": (_QRELS, 1, b"3\tQ0\t88#0\t1\tx", "5 field(s) where 4 are expected"),
    "grade no integer": (_QRELS, 1, b"3\tQ0\t88#0\t0.5", "grade '0.5' is not an integer"),
    "two grades": (_QRELS, 0, b"3\tQ0\t88#0\t0", "judges passage '88#0' a second time"),
    "unknown topic": (_QRELS, 0, b"4\tQ0\t88#0\t1", "judges topic '4', which is not among the topics"),
}


@pytest.mark.parametrize(("file", "line", "data", "message"), _BAD.values(), ids=_BAD.keys())
def test_malformed(tmp_path: Path, file: str, line: int, data: bytes, message: str) -> None:
    """Every way of being malformed is one message with file and line."""
    root = write_mr_tydi(tmp_path / "data")
    path = root / file
    rewrite(path, line, data)
    last = {_DOCS: 4, _TOPICS: 3, _QRELS: 4}[file]
    told = refusal(root, "mr-tydi/te", "test")
    assert told.startswith(f"{path}:{line or last}: ") and message in told, told


_BAD_ROWS = {
    "no query id": (_json(query="a", positive_passages=[{"docid": "5#0"}]), "no 'query_id' field"),
    "no query": (_json(query_id="7", positive_passages=[{"docid": "5#0"}]), "'query' must be a string"),
    "no positives": (_json(query_id="7", query="a", positive_passages=[]), "'positive_passages' must be"),
    "positives absent": (_json(query_id="7", query="a"), "'positive_passages' must be"),
    "positive without id": (_json(query_id="7", query="a", positive_passages=[{"text": ""}]), "no 'docid' field"),
    "positives no objects": (_json(query_id="7", query="a", positive_passages=["5#0"]), "'positive_passages' must be"),
    "topic twice": (_json(query_id=3, query="a", positive_passages=[{"docid": "5#0"}]), "topic '3' is there twice"),
}


@pytest.mark.parametrize(("data", "message"), _BAD_ROWS.values(), ids=_BAD_ROWS.keys())
def test_malformed_hub_rows(tmp_path: Path, data: bytes, message: str) -> None:
    """The hub's rows are checked alike."""
    root = write_mr_tydi_hub(tmp_path / "data")
    path = root / "mr-tydi" / "mrtydi-v1.1-telugu" / "test.jsonl.gz"
    rewrite(path, 2, data)
    told = refusal(root, "mr-tydi/te", "test")
    assert told.startswith(f"{path}:2: ") and message in told, told


def test_relevant_passage_that_is_not_there(tmp_path: Path) -> None:
    """A relevant passage outside the corpus is an error; one that is judged irrelevant may be missing."""
    root = write_mr_tydi(tmp_path / "data")
    rewrite(root / _QRELS, 0, b"3\tQ0\tnowhere#1\t0")
    assert load(root, "mr-tydi/te", "test").qrels["3"]["nowhere#1"] == 0
    rewrite(root / _QRELS, 0, b"3\tQ0\tnowhere#2\t1")
    assert "judged on passage 'nowhere#2', which is not in" in refusal(root, "mr-tydi/te", "test")


@pytest.mark.parametrize("file", [_DOCS, _TOPICS, _QRELS])
def test_damaged_files(tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off, flipped, re-encoded, endless: an error, or what the file says."""
    monkeypatch.setattr(lines, "LONGEST_LINE", 8000)
    root = write_mr_tydi(tmp_path / "data")
    survives(root, "mr-tydi/te", "test", root / file, MR_TYDI["te"])


def test_damaged_archive(tmp_path: Path) -> None:
    """A damaged archive is an error, and never a shorter corpus."""
    root = write_mr_tydi(tmp_path / "data", packed=True)
    for path in root.glob("*"):
        if "telugu" not in path.name:
            path.unlink()
    survives(root, "mr-tydi/te", "test", root / "mrtydi-v1.1-telugu.tar.gz", MR_TYDI["te"])


@pytest.mark.parametrize("split", ["dev", "test"])
@pytest.mark.parametrize("name", [subset.name for subset in _TASK.subsets])
def test_real_topics_and_judgements(shared_data: Path, tmp_path: Path, name: str, split: str) -> None:
    """All real topics and judgements are read, as many as were published, and none is changed."""
    folder = shared_data / "official" / "mrtydi-v1.1"
    asked = OfficialSource(folder, tmp_path).asked(Selected(_TASK, _TASK.subset(name), split))
    with (shared_data / "published" / "evaluation_sets.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = [
            row
            for row in csv.DictReader(stream)
            if (row["benchmark"], row["language"], row["split"]) == ("mrtydi", name, split)
        ]
    grades = [grade for judged in asked.qrels.values() for grade in judged.values()]
    assert len(asked.queries) == int(row["n_queries"]) == len(asked.qrels) == _TASK.queries[name, split]
    assert len(grades) == int(row["n_qrels"]) and set(grades) == {1}
    with lines.unpacked(folder / f"topics.mrtydi-v1.1-{name}.{split}.txt.gz") as stream:
        assert topics(dict(zip(asked.queries.ids, asked.queries.texts, strict=True))) + b"\n" == stream.read()
    assert trec(asked.qrels).split() == (folder / f"qrels.mrtydi-v1.1-{name}.{split}.txt").read_bytes().split()


def test_parts(tmp_path: Path) -> None:
    """Every subset and split names pinned origins, and its first names are those of the archives."""
    tree = list_tree(write_mr_tydi(tmp_path / "data"), tmp_path / "cache")
    for subset in _TASK.subsets:
        for split in _TASK.splits:
            parts = MrTyDi().parts(subset, split)
            for part in parts:
                hub, archive = part.origins
                assert isinstance(hub, HubFile) and len(hub.revision) == 40
                assert isinstance(archive, Url) and archive.url.endswith(".tar.gz")
                assert bool(find(part, tree)) == (subset.name in MR_TYDI)


def test_run(tmp_path: Path, cli: Callable[..., Any]) -> None:
    """A run on the archives scores what is plain to see: what a query shares with the passages."""
    root = tmp_path / "data" / "mrtydi-v1.1-swahili"
    texts = ("mti mkubwa", "mti", "moto")
    put(
        root / "collection" / "docs.jsonl.gz",
        b"\n".join(_json(id=f"{i}#0", contents=f"Kichwa\n\n{text}") for i, text in enumerate(texts)),
    )
    put(root / "topic.test.tsv", b"1\tmoto\n2\tmti mkubwa")
    put(root / "qrels.test.txt", b"1 Q0 2#0 1\n2 Q0 1#0 1")
    pack(root, tmp_path / "packed" / "mrtydi-v1.1-swahili.tar.gz")
    done = cli("run", "--encoder", "hashing", "--source", tmp_path / "packed", "--output", "out", "--json")
    assert done.code == 0, done.err
    (result,) = [json.loads(path.read_text("utf-8")) for path in Path("out").rglob("*.json")]
    (subset,) = result["subsets"].values()
    # The first query finds its passage first; the second finds it behind the passage that has both of its words.
    assert subset["per_query"]["ranking"]["values"]["mrr@100"] == [1.0, 0.5]
    assert subset["metrics"]["mrr@100"] == 0.75 and subset["metrics"]["recall@100"] == 1.0
