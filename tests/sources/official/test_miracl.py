"""MIRACL's files: numbered shards, topics and judgements."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness._util import lines
from harness.errors import DataError
from harness.sources.official import HubFile
from harness.sources.official.layout import in_shard_order
from harness.sources.official.miracl import Miracl
from harness.sources.official.source import OfficialSource
from harness.sources.tree import plain_file
from harness.tasks import task
from harness.tasks.selection import Selected

from .mini_common import TEXTS, holds, load, pack, passages, put, refusal, rewrite, survives, topics, trec
from .mini_miracl import MIRACL, write_miracl

_TASK = task("miracl")


@pytest.mark.parametrize("name", MIRACL)
@pytest.mark.parametrize("packed", ["", "all.zip", "all.tar.gz"])
def test_reads_what_was_written(tmp_path: Path, packed: str, name: str) -> None:
    """Passages in the order of their shards' numbers, topics and judgements with explicit zeros, to the character."""
    root = write_miracl(tmp_path / "data" / "miracl-files")
    if packed:
        pack(root, tmp_path / "packed" / packed)
        root = tmp_path / "packed"
    collection = load(root, f"miracl/{name}", "dev")
    holds(collection, MIRACL[name])
    assert collection.variant == "unofficial"


def test_the_order_of_shards_is_that_of_their_numbers(tmp_path: Path) -> None:
    """Whoever hands the shards over, and in whatever order: 2 comes before 10. A number that is missing is an error."""
    folder = write_miracl(tmp_path) / "miracl-corpus" / "miracl-corpus-v1.0-yo"
    files = [plain_file(path, path.name) for path in sorted(folder.iterdir())]
    assert [file.name for file in files][:3] == ["docs-0.jsonl.gz", "docs-1.jsonl.gz", "docs-10.jsonl.gz"]
    read = Miracl().read_passages(_TASK.subset("yo"), in_shard_order(files), lambda n: None)
    assert [passage.id for passage in read] == [name for name, _, _ in MIRACL["yo"].passages]
    with pytest.raises(DataError, match="shard 1 is missing"):
        in_shard_order([file for file in files if "-1." not in file.name])
    with pytest.raises(DataError, match="a shard is there twice"):
        in_shard_order([*files, files[3]])


@pytest.mark.parametrize("shard", [0, 1, 10, 11])
def test_missing_shard(tmp_path: Path, shard: int) -> None:
    """Without a shard nothing is scored: a gap is named; what the last one held is missed by judgements or counts."""
    root = write_miracl(tmp_path / "data")
    (root / "miracl-corpus" / "miracl-corpus-v1.0-yo" / f"docs-{shard}.jsonl.gz").unlink()
    if shard < 11:
        assert f"shard {shard} is missing" in refusal(root, "miracl/yo", "dev")
        return
    collection = load(root, "miracl/yo", "dev")
    assert passages(collection) == MIRACL["yo"].passages[:-1] and collection.variant == "unofficial"
    (root / "miracl-corpus" / "miracl-corpus-v1.0-te" / "docs-1.jsonl.gz").unlink()
    assert "judged on passage '88#0', which is not in" in refusal(root, "miracl/te", "dev")


def test_a_passage_without_text(tmp_path: Path) -> None:
    """It is kept, and encoders read its title alone; every other passage is rendered as it always was."""
    import numpy as np

    corpus = load(write_miracl(tmp_path / "data"), "miracl/te", "dev").corpus
    texts = TEXTS["te"].passages
    assert texts[2][2] == ""
    for template, gap in (("{title} {text}", " "), ("{title}\n\n{text}", "\n\n")):
        rendered = corpus.render(template, np.arange(3))
        assert rendered == [f"{title}{gap}{text}" for _, title, text in texts[:2]] + [texts[2][1]]
        assert [text for batch in corpus.render_all(template) for text in batch] == rendered


def test_topics_of_anserini(tmp_path: Path) -> None:
    """Topics and judgements may lie in one folder, as anserini ships them."""
    root = write_miracl(tmp_path / "data")
    for name, texts in MIRACL.items():
        for path in (root / "miracl" / f"miracl-v1.0-{name}").rglob("*.tsv"):
            path.unlink()
        put(root / f"topics.miracl-v1.0-{name}-dev.tsv", topics(texts.queries) + b"\n")
        put(root / f"qrels.miracl-v1.0-{name}-dev.tsv", trec(texts.qrels) + b"\n")
        holds(load(root, f"miracl/{name}", "dev"), texts)


_DOCS = "miracl-corpus/miracl-corpus-v1.0-te/docs-1.jsonl.gz"
_TOPICS = "miracl/miracl-v1.0-te/topics/topics.miracl-v1.0-te-dev.tsv"
_QRELS = "miracl/miracl-v1.0-te/qrels/qrels.miracl-v1.0-te-dev.tsv"


def _json(**row: Any) -> bytes:
    return json.dumps(row).encode()


_BAD = {
    "no text": (_DOCS, 1, _json(docid="88#0", title="a"), "no 'text' field"),
    "neither title nor text": (_DOCS, 1, _json(docid="88#0", title=" ", text=""), "neither title nor text"),
    "text no string": (_DOCS, 1, _json(docid="88#0", title="a", text=["b"]), "'text' must be a string"),
    "title no string": (_DOCS, 1, _json(docid="88#0", title=1, text="b"), "'title' must be a string"),
    "no id": (_DOCS, 1, _json(title="a", text="b"), "no 'docid' field"),
    "empty id": (_DOCS, 1, _json(docid="", title="a", text="b"), "'docid' must be a non-empty string"),
    "id of another shard": (_DOCS, 1, _json(docid="5#0", title="a", text="b"), "passage id '5#0' was used in"),
    "title with a lone surrogate": (_DOCS, 1, b'{"docid": "1", "title": "\\udc00", "text": "b"}', "lone surrogate"),
    "not UTF-8": (_TOPICS, 2, b"40\tcaf\xe9", "not UTF-8"),
    "topic without tab": (_TOPICS, 1, b"3", "a tab and a query are expected"),
    "topic twice": (_TOPICS, 0, b"3\tagain", "topic '3' is there twice"),
    "two fields": (_QRELS, 2, b"40\t5#1", "2 field(s) where 4 are expected"),
    "grade no integer": (_QRELS, 2, b"40\tQ0\t5#1\tyes", "grade 'yes' is not an integer"),
    "two grades": (_QRELS, 0, b"3\tQ0\t88#0\t0", "a second time"),
    "unknown topic": (_QRELS, 0, b"4#0\tQ0\t88#0\t0", "judges topic '4#0', which is not among the topics"),
}


@pytest.mark.parametrize(("file", "line", "data", "message"), _BAD.values(), ids=_BAD.keys())
def test_malformed(tmp_path: Path, file: str, line: int, data: bytes, message: str) -> None:
    """Every way of being malformed is one message with file and line."""
    root = write_miracl(tmp_path / "data")
    path = root / file
    rewrite(path, line, data)
    told = refusal(root, "miracl/te", "dev")
    assert told.startswith(f"{path}:{line or {_TOPICS: 3, _QRELS: 4}[file]}: ") and message in told, told


@pytest.mark.parametrize("file", [_DOCS, _DOCS.replace("docs-1", "docs-0"), _TOPICS, _QRELS])
def test_damaged_files(tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off, flipped, re-encoded, endless: an error, or what the file says."""
    monkeypatch.setattr(lines, "LONGEST_LINE", 8000)
    root = write_miracl(tmp_path / "data")
    survives(root, "miracl/te", "dev", root / file, MIRACL["te"])


@pytest.mark.parametrize("name", [subset.name for subset in _TASK.subsets])
def test_real_topics_and_judgements(shared_data: Path, tmp_path: Path, name: str) -> None:
    """All real topics and judgements are read, as many as were published, and none is changed."""
    folder = shared_data / "official" / "miracl-v1.0"
    asked = OfficialSource(folder, tmp_path).asked(Selected(_TASK, _TASK.subset(name), "dev"))
    with (shared_data / "published" / "evaluation_sets.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = [
            row
            for row in csv.DictReader(stream)
            if (row["benchmark"], row["language"], row["split"]) == ("miracl", name, "dev")
        ]
    grades = [grade for judged in asked.qrels.values() for grade in judged.values()]
    assert len(asked.queries) == int(row["n_queries"]) == len(asked.qrels) == _TASK.queries[name, "dev"]
    assert len(grades) == int(row["n_qrels"]) and sum(grades) == int(row["n_positive"]) and set(grades) == {0, 1}
    texts = dict(zip(asked.queries.ids, asked.queries.texts, strict=True))
    assert topics(texts) + b"\n" == (folder / f"topics.miracl-v1.0-{name}-dev.tsv").read_bytes()
    assert sorted((trec(asked.qrels) + b"\n").split(b"\n")) == sorted(
        (folder / f"qrels.miracl-v1.0-{name}-dev.tsv").read_bytes().split(b"\n")
    )


def test_origins() -> None:
    """Passages and what is asked of them come from the hub at pinned revisions; the gated repository has a clone."""
    for subset in _TASK.subsets:
        corpus, *asked = Miracl().parts(subset, "dev")
        assert corpus.many and [str(origin)[:29] for origin in corpus.origins] == ["miracl/miracl-corpus@d921ec7e"]
        for part in asked:
            assert all(isinstance(origin, HubFile) and len(origin.revision) == 40 for origin in part.origins)
            assert [getattr(origin, "gated", None) for origin in part.origins] == [True, False]


def test_run(tmp_path: Path, cli: Callable[..., Any]) -> None:
    """A run on the shards scores what is plain to see, a passage without text found by its title."""
    root = tmp_path / "data"
    for shard, row in enumerate(
        ({"docid": "1#0", "title": "mto", "text": ""}, {"docid": "2#0", "title": "", "text": "bahari"})
    ):
        put(root / "miracl-corpus-v1.0-sw" / f"docs-{shard}.jsonl.gz", _json(**row))
    put(root / "miracl-v1.0-sw" / "topics" / "topics.miracl-v1.0-sw-dev.tsv", b"1\tmto\n2\tmto")
    put(
        root / "miracl-v1.0-sw" / "qrels" / "qrels.miracl-v1.0-sw-dev.tsv",
        b"1\tQ0\t1#0\t1\n1\tQ0\t2#0\t0\n2\tQ0\t2#0\t1",
    )
    done = cli("run", "--encoder", "hashing", "--source", root, "--output", "out", "--json")
    assert done.code == 0, done.err
    (result,) = [json.loads(path.read_text("utf-8")) for path in Path("out").rglob("*.json")]
    (subset,) = result["subsets"].values()
    # Both queries find the passage of the title first: right for the one, and for the other 1 / log2(3) at rank two.
    assert subset["per_query"]["ranking"]["values"]["ndcg@10"] == [1.0, pytest.approx(0.6309, abs=1e-4)]
    assert subset["metrics"]["ndcg@10"] == pytest.approx((1 + 0.63093) / 2, abs=1e-4)
