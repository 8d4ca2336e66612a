"""Belebele's files: its archive, what came out of it, what the hub has, and what mteb makes of them."""

from __future__ import annotations

import json
import math
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DataError
from harness.sources.official import HubFile, find
from harness.sources.official.belebele import Belebele
from harness.sources.official.source import OfficialSource
from harness.sources.tree import list_tree
from harness.tasks import task
from harness.tasks.selection import Selection, select

from .mini_belebele import BELEBELE, rows, write_belebele
from .mini_common import damage, load, passages, refusal, rewrite

_TASK = task("belebele")
_PAIRS = [s.name for s in _TASK.subsets if {s.query_language, s.passage_language} <= set(BELEBELE)]
_CORPUS = {  # variant: texts in the order of their first lines
    "eng_Latn": ['Water boils.\n\nIt "boils" at 100\u00b0 C. ', "Cairo lies on the Nile.\tIt is old.", "A drum speaks."],  # noqa: E501
    "yor_Latn": ["Omi n\u0301 ho\u0301.", "Ìlù ń sọ̀rọ̀.", "Káírò wà lẹ́bàá Náìlì."],
}  # fmt: skip


@pytest.mark.parametrize("form", ["folder", "archive", "flat archive", "hub"])
def test_reads_what_was_written(tmp_path: Path, form: str) -> None:
    """Passages once each, questions, and which belongs to which, to the character, in every form of the files."""
    root = tmp_path / "data"
    if form == "flat archive":
        write_belebele(root, inner="x")
        with zipfile.ZipFile(root / "Belebele.zip", "w") as archive:
            for path in (root / "x").iterdir():
                archive.write(path, path.name)
                path.unlink()
    else:
        write_belebele(root, packed=form == "archive", inner="data" if form == "hub" else "Belebele")
    own, pair = load(root, "belebele/yor_Latn", "test"), load(root, "belebele/yor_Latn-eng_Latn", "test")
    assert passages(own) == tuple((f"C{n}", "", text) for n, text in enumerate(_CORPUS["yor_Latn"]))
    assert passages(pair) == tuple((f"C{n}", "", text) for n, text in enumerate(_CORPUS["eng_Latn"]))
    for collection in (own, pair):
        assert collection.queries.ids == ("Q0", "Q1", "Q2")
        assert collection.queries.texts == ("Ki\u0301 ni o\u0301?", "Ta ni ń sọ̀rọ̀?", "Nígbà wo ni omi ń hó?")
    assert own.qrels == {"Q0": {"C0": 1, "C2": 1}, "Q1": {"C1": 1}, "Q2": {"C0": 1}}
    assert pair.qrels == {"Q0": {"C0": 1, "C1": 1}, "Q1": {"C2": 1}, "Q2": {"C0": 1}}
    assert own.variant == "unofficial"
    assert "3 queries, officially 900; 3 passages, officially 488" in own.notice


def test_says_what_mteb_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mteb's own loading code, given the same rows, makes the same passages, queries and judgements of them."""
    module = pytest.importorskip("mteb.tasks.retrieval.multilingual.belebele_retrieval")
    monkeypatch.setattr(module, "load_dataset", lambda *, name, **_: {"test": rows(name)})
    theirs = module.BelebeleRetrieval()
    ours = {name: _TASK.subset(name) for name in _PAIRS}
    theirs.hf_subsets = [f"{s.passage_language}-{s.query_language}" for s in ours.values()]
    theirs.load_data()
    root = write_belebele(tmp_path / "data")
    assert len(ours) == 4 + 3 + 3
    for name, subset in ours.items():
        collection = load(root, f"belebele/{name}", "test")
        pair = f"{subset.passage_language}-{subset.query_language}"
        corpus = theirs.corpus[pair]["test"]
        assert {i: {"title": title, "text": text} for i, title, text in passages(collection)} == corpus
        assert [i for i, _, _ in passages(collection)] == list(corpus)
        queries = dict(zip(collection.queries.ids, collection.queries.texts, strict=True))
        assert queries == theirs.queries[pair]["test"] and list(queries) == list(theirs.queries[pair]["test"])
        assert collection.qrels == theirs.relevant_docs[pair]["test"]


def test_pairs_are_those_of_mteb() -> None:
    """Every pair that mteb scores is a subset, and there are no others; mteb puts the passages' language first."""
    module = pytest.importorskip("mteb.tasks.retrieval.multilingual.belebele_retrieval")
    theirs = set(module.BelebeleRetrieval.metadata.eval_langs)
    assert {f"{s.passage_language}-{s.query_language}" for s in _TASK.subsets} == theirs
    assert len(_TASK.subsets) == len(theirs) == 376


def test_counts_are_those_of_mteb() -> None:
    """The counts of queries and passages are those of the statistics that mteb is packaged with."""
    module = pytest.importorskip("mteb.tasks.retrieval.multilingual.belebele_retrieval")
    subsets = module.BelebeleRetrieval.metadata.descriptive_stats["test"]["hf_subset_descriptive_stats"]
    for subset in _TASK.subsets:
        facts = subsets[f"{subset.passage_language}-{subset.query_language}"]
        queries, documents = (facts[f"{what}_text_statistics"] for what in ("queries", "documents"))
        assert queries["unique_texts"] == _TASK.queries[subset.name, "test"]
        assert documents["unique_texts"] == _TASK.passages[subset.name]


def test_a_corpus_is_converted_once(tmp_path: Path) -> None:
    """However many subsets use the passages of a language, they are converted once."""
    root = write_belebele(tmp_path / "data", packed=True)
    source = OfficialSource(root, tmp_path / "own")
    for selected in select(source.tasks(), Selection()):
        source.load(selected)
    assert len(list((tmp_path / "own" / "corpora").iterdir())) == len(BELEBELE)


def test_offers_what_is_there(tmp_path: Path) -> None:
    """The pairs of the languages that are there are offered, and all others are named as absent."""
    root = write_belebele(tmp_path / "data")
    (root / "Belebele" / "tha_Thai.jsonl").unlink()
    (offered,) = OfficialSource(root, tmp_path / "cache-0").tasks()
    selected = [s.subset.name for s in select([offered], Selection())]
    assert selected == [name for name in _PAIRS if "tha" not in name]
    assert set(offered.absent) == {s.name for s in _TASK.subsets} - set(selected)


def test_parts_name_their_origins() -> None:
    """Every part names the file of its language, first in the archive, and where it is published."""
    parts = {part.kind: part for part in Belebele().parts(_TASK.subset("eng_Latn-swh_Latn"), "test")}
    assert parts["corpus"].names == parts["qrels"].names
    assert parts["corpus"].names[0] == "Belebele/swh_Latn.jsonl"
    assert parts["queries"].names[0] == "Belebele/eng_Latn.jsonl"
    hub = parts["queries"].origins[0]
    assert isinstance(hub, HubFile) and len(hub.revision) == 40 and hub.path == "data/eng_Latn.jsonl"


def test_files_of_other_collections_are_left_alone(tmp_path: Path) -> None:
    """Files that other collections call by the same codes are not taken for Belebele's."""
    for name in ("flores/dev/eng_Latn.jsonl", "sib200/eng_Latn.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("{}\n")
    tree = list_tree(tmp_path, tmp_path / "own")
    assert not any(find(part, tree) for part in Belebele().parts(_TASK.subset("eng_Latn"), "test"))


def _json(**row: Any) -> bytes:
    return json.dumps({**rows("yor_Latn")[0], **row}).encode()


def _without(key: str) -> bytes:
    return json.dumps({k: v for k, v in rows("yor_Latn")[1].items() if k != key}).encode()


#: Line, what is put there, and what the message says after file and line.
_BAD = {
    "broken JSON": (2, b'{"link": ', "not valid JSON"),
    "no object": (2, b"[]", "a JSON object is expected"),
    "no link": (2, _without("link"), "no 'link' field"),
    "empty link": (2, _json(link=""), "'link' must be a non-empty string"),
    "link no string": (3, _json(link=None), "'link' must be a non-empty string"),
    "no passage": (2, _without("flores_passage"), "'flores_passage' must be a string, not NoneType"),
    "blank passage": (2, _json(link="new", flores_passage=" \n"), "empty flores_passage"),
    "no question": (2, _without("question"), "'question' must be a string, not NoneType"),
    "blank question": (3, _json(question="\u00a0"), "empty question"),
    "question no string": (4, _json(question=["a"]), "'question' must be a string, not list"),
    "lone surrogate": (4, _json(question="a\ud800"), "question holds a lone surrogate"),
    "not UTF-8": (4, b"\xff", "not UTF-8"),
}


@pytest.mark.parametrize("line, data, message", _BAD.values(), ids=_BAD.keys())
def test_malformed_lines(tmp_path: Path, line: int, data: bytes, message: str) -> None:
    """Each way of being malformed is refused with file and line."""
    file = write_belebele(tmp_path / "data") / "Belebele" / "yor_Latn.jsonl"
    rewrite(file, line, data)
    assert refusal(tmp_path / "data", "belebele/yor_Latn", "test").startswith(f"{file}:{line}: {message}")


@pytest.mark.parametrize("data", [b"", b"\n\n"])
def test_file_without_rows(tmp_path: Path, data: bytes) -> None:
    """An empty file is refused, as questions and as passages."""
    file = write_belebele(tmp_path / "data") / "Belebele" / "yor_Latn.jsonl"
    file.write_bytes(data)
    assert refusal(tmp_path / "data", "belebele/yor_Latn", "test") == f"{file}: no questions in it"
    found = list_tree(tmp_path / "data", tmp_path / "own")["Belebele/yor_Latn.jsonl"]
    with pytest.raises(DataError, match="no passages in it"):
        list(Belebele().read_passages(_TASK.subset("yor_Latn"), [found], lambda n: None))


def test_question_about_an_unknown_passage(tmp_path: Path) -> None:
    """A question whose passage the other language lacks is refused, naming both files."""
    root = write_belebele(tmp_path / "data")
    file = root / "Belebele" / "yor_Latn.jsonl"
    rewrite(file, 3, _json(link="https://nowhere"))
    message = refusal(root, "belebele/yor_Latn-eng_Latn", "test")
    assert message == f"{file}:3: asks about 'https://nowhere', which is not in {file.with_name('eng_Latn.jsonl')}"


def test_passage_that_is_told_twice(tmp_path: Path) -> None:
    """Of two wordings under one link the first one counts, as in mteb."""
    root = write_belebele(tmp_path / "data")
    rewrite(root / "Belebele" / "yor_Latn.jsonl", 3, _json(flores_passage="Another wording", question="?"))
    assert passages(load(root, "belebele/yor_Latn", "test"))[0][2] == _CORPUS["yor_Latn"][0]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "archive"])
def test_damaged_files(tmp_path: Path, packed: bool) -> None:
    """However a file is damaged, it is refused by name or read as what it then says; an archive has checksums."""
    root = write_belebele(tmp_path / "data", packed=packed)
    file = root / "Belebele.zip" if packed else root / "Belebele" / "yor_Latn.jsonl"
    whole, expected = file.read_bytes(), passages(load(root, "belebele/yor_Latn", "test"))
    rng = random.Random(5)
    for _ in range(60):
        file.write_bytes(damage(whole, rng))
        try:
            collection = load(root, "belebele/yor_Latn", "test")
        except DataError as error:
            assert str(root) in error.message
            continue
        read = passages(collection)
        assert collection.variant == "unofficial"
        if packed:
            assert read == expected
        elif len(read) < len(expected):
            assert read == expected[: len(read)] and whole.startswith(file.read_bytes())


def test_end_to_end(tmp_path: Path, cli: Callable[..., Any]) -> None:
    """`harness run` on the archive: a question that repeats its passage, and one that repeats the other passage."""
    one, two = "Ilu n\u0301 so\u0323\u0300ro\u0323\u0300", "omi gbígbóná nínú ìkòkò"
    file = write_belebele(tmp_path / "data") / "Belebele" / "yor_Latn.jsonl"
    lines = [_json(link=1, flores_passage=one, question=one), _json(link=2, flores_passage=two, question=f"{one}?")]
    file.write_bytes(b"\n".join(lines))
    done = cli("run", "-e", "hashing", "-s", tmp_path / "data", "-t", "belebele/yor_Latn", "--output", "out", "--json")
    assert done.code == 0, done.err
    (result,) = [json.loads(path.read_text("utf-8")) for path in (tmp_path / "out").rglob("*.json")]
    (subset,) = result["subsets"].values()
    second = 1 / math.log2(3)
    assert subset["per_query"]["ranking"]["values"]["ndcg@10"] == [1.0, pytest.approx(second)]
    assert subset["metrics"]["ndcg@10"] == pytest.approx((1 + second) / 2)
