"""AfriCLIRMatrix's files: articles without titles, topics that nobody judged, grades from 4 to 6."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness._util import lines
from harness.sources.official import HubFile, Url
from harness.sources.official.africlirmatrix import AfriClirMatrix
from harness.sources.official.source import OfficialSource
from harness.tasks import task

from .mini_africlirmatrix import AFRICLIRMATRIX, write_africlirmatrix
from .mini_common import holds, load, pack, passages, put, refusal, rewrite, survives

_TASK = task("africlirmatrix")


@pytest.mark.parametrize("name", AFRICLIRMATRIX)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_reads_what_was_written(tmp_path: Path, packed: bool, name: str) -> None:
    """Whole articles with their blank lines, the judged topics in their order, and graded judgements."""
    root = write_africlirmatrix(tmp_path / "data")
    if packed:
        root = pack(root, tmp_path / "packed" / "all.tar.gz").parent
    collection = load(root, f"africlirmatrix/{name}", "test")
    holds(collection, AFRICLIRMATRIX[name])
    assert {grade for grades in collection.qrels.values() for grade in grades.values()} <= {4, 5, 6}
    assert any("\n\n" in text for _, _, text in passages(collection)) or name != "en-ary"


def test_topics_that_nobody_judged_are_not_asked(tmp_path: Path) -> None:
    """Of Igbo's topics the judged ones are the collection, here as in the real files."""
    root = write_africlirmatrix(tmp_path / "data")
    topics = root / "africlirmatrix" / "test" / "queries" / "topics.africlirmatrix-v1.0.en.ibo.tsv"
    assert topics.read_text("utf-8").count("\n") + 1 == 4
    assert load(root, "africlirmatrix/en-ibo", "test").queries.ids == ("25019351", "124661")


def test_declared_counts_are_those_of_judged_topics(shared_data: Path) -> None:
    """The declared counts are those of judged topics; Igbo alone has others, as many again."""
    with (shared_data / "published" / "evaluation_sets.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["benchmark"] == "africlirmatrix"]
    assert {(f"en-{row['language']}", "test"): int(row["n_judged_queries"]) for row in rows} == dict(_TASK.queries)
    assert [row["language"] for row in rows if row["n_queries"] != row["n_judged_queries"]] == ["ibo"]


_DOCS = "africlirmatrix-v1.0-igbo/corpus.jsonl"
_TOPICS = "africlirmatrix/test/queries/topics.africlirmatrix-v1.0.en.ibo.tsv"
_QRELS = "africlirmatrix/test/qrels/qrels.africlirmatrix-v1.0.en.ibo.txt"


def _json(**row: Any) -> bytes:
    return json.dumps(row).encode()


_BAD = {
    "no contents": (_DOCS, 2, _json(id="1", text="a"), "'contents' must be a string"),
    "empty contents": (_DOCS, 2, _json(id="1", contents="\n\n"), "empty contents"),
    "no id": (_DOCS, 2, _json(contents="a"), "no 'id' field"),
    "boolean id": (_DOCS, 2, _json(id=True, contents="a"), "'id' must be a non-empty string"),
    "id twice": (_DOCS, 3, _json(id="62443", contents="a"), "passage id '62443' was used in"),
    "broken JSON": (_DOCS, 2, b"{", "not valid JSON"),
    "not UTF-8": (_DOCS, 2, b'{"id": "caf\xe9"}', "not UTF-8"),
    "topic without tab": (_TOPICS, 1, b"1 Wood", "a tab and a query are expected"),
    "topic twice": (_TOPICS, 0, b"1\tagain", "topic '1' is there twice"),
    "three fields": (_QRELS, 1, b"124661 Q0 62443", "3 field(s) where 4 are expected"),
    "grade no integer": (_QRELS, 1, b"124661 Q0 62443 vi", "grade 'vi' is not an integer"),
    "two grades": (_QRELS, 0, b"124661 Q0 62445 5", "a second time"),
    "unknown topic": (_QRELS, 0, b"77 Q0 62445 5", "judges topic '77', which is not among the topics"),
}


@pytest.mark.parametrize(("file", "line", "data", "message"), _BAD.values(), ids=_BAD.keys())
def test_malformed(tmp_path: Path, file: str, line: int, data: bytes, message: str) -> None:
    """Every way of being malformed is one message with file and line."""
    root = write_africlirmatrix(tmp_path / "data")
    path = root / file
    rewrite(path, line, data)
    told = refusal(root, "africlirmatrix/en-ibo", "test")
    assert told.startswith(f"{path}:{line or {_TOPICS: 5, _QRELS: 4}[file]}: ") and message in told, told


@pytest.mark.parametrize("file", [_DOCS, _TOPICS, _QRELS])
def test_damaged_files(tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off, flipped, re-encoded, endless: an error, or what the file says."""
    monkeypatch.setattr(lines, "LONGEST_LINE", 8000)
    root = write_africlirmatrix(tmp_path / "data")
    # The number of articles is not published exactly: one topic fewer keeps whatever is read apart all the same.
    survives(root, "africlirmatrix/en-ibo", "test", root / file, AFRICLIRMATRIX["en-ibo"])


def test_origins(tmp_path: Path) -> None:
    """Articles come from the hub, topics and judgements from GitHub, all at pinned revisions; codes match names."""
    tree = OfficialSource(write_africlirmatrix(tmp_path / "data"), tmp_path / "cache")
    (offered,) = tree.tasks()
    assert {subset.name for subset in offered.subsets} - set(offered.absent) == set(AFRICLIRMATRIX)
    folders = set()
    for subset in _TASK.subsets:
        corpus, *asked = AfriClirMatrix().parts(subset, "test")
        (origin,) = corpus.origins
        assert isinstance(origin, HubFile) and len(origin.revision) == 40
        folders.add(origin.path)
        for part in asked:
            (url,) = part.origins
            assert (
                isinstance(url, Url) and url.url.endswith(part.names[0]) and f".{subset.passage_language}." in url.url
            )
    assert len(folders) == 15


def test_run(tmp_path: Path, cli: Callable[..., Any]) -> None:
    """A run scores what is plain to see, with grades as gains."""
    root = tmp_path / "data"
    rows = (
        {"id": "1", "contents": "osimiri"},
        {"id": "2", "contents": "osimiri\n\nukwu"},
        {"id": "3", "contents": "y"},
    )
    put(root / "africlirmatrix-v1.0-igbo" / "corpus.jsonl", b"\n".join(_json(**row) for row in rows))
    put(root / "test" / "queries" / "topics.africlirmatrix-v1.0.en.ibo.tsv", b"7\tosimiri\n8\tnobody judged it")
    put(root / "test" / "qrels" / "qrels.africlirmatrix-v1.0.en.ibo.txt", b"7 Q0 1 4\n7 Q0 2 6")
    done = cli("run", "--encoder", "hashing", "--source", root, "--output", "out", "--json")
    assert done.code == 0, done.err
    (result,) = [json.loads(path.read_text("utf-8")) for path in Path("out").rglob("*.json")]
    (subset,) = result["subsets"].values()
    # The article that is the query comes first, with grade 4, and the one with grade 6 second.
    got, ideal = 4 + 6 / 1.5849625, 6 + 4 / 1.5849625
    assert subset["metrics"]["ndcg@10"] == pytest.approx(got / ideal, abs=1e-4)
    assert subset["counts"]["queries"] == 1
