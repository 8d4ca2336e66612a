"""AfriQA's official files: with gold passages, and over Wikipedia."""

from __future__ import annotations

import gzip
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DataError
from harness.sources.official.source import OfficialSource
from harness.tasks.selection import Selected

from . import mini_afriqa as mini
from .mini_afriqa import asked, gold, write_afriqa, write_afriqa_passages
from .mini_w100 import PASSAGES, w100, write_w100

Cli = Callable[..., Any]

_GOLD = mini.HA.format("gold_passages", "gold_span_passages", "dev")
_QUESTIONS = mini.HA.format("queries", "queries", "dev")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of the repository and the corpora of the hub, below one folder."""
    return write_afriqa_passages(write_afriqa(tmp_path / "afriqa"))


def _open(folder: Path, tmp_path: Path, task: str, split: str = "dev") -> tuple[OfficialSource, dict[str, Selected]]:
    source = OfficialSource(folder, tmp_path / "cache")
    (found,) = (each for each in source.tasks() if each.name == task)
    present = (subset for subset in found.subsets if subset.name not in found.absent)
    return source, {s.name: Selected(found, s, split) for s in present if split in found.splits_of(s.name)}


def _rows(corpus: Any) -> list[tuple[str, ...]]:
    return list(zip(*(list(corpus.column(name)) for name in ("id", "title", "text")), strict=True))


def test_gold_passages(clone: Path, tmp_path: Path) -> None:
    """The corpus is the distinct passages, named after their lines, byte for byte; a passage may answer many."""
    source, subsets = _open(clone, tmp_path, "afriqa")
    assert list(subsets) == ["fon-fr", "ha-en"]
    found = source.load(subsets["ha-en"])
    assert _rows(found.corpus) == [
        ("p1", "BBC", mini.LONDON),
        ("p4", "", mini.KANO),
        ("p5", "Kano State", "Kano city uses the Hausa language."),
        ("p6", " Kano State", mini.KANO + " "),
    ]
    assert found.qrels == {"0": {"p1": 1}, "2": {"p1": 1}, "3": {"p4": 1, "p5": 1}, "7": {"p6": 1}}
    assert found.queries.ids == ("0", "2", "3", "7")
    rows = {row["id"]: row["question_lang"] for row in mini.GOLD[_GOLD]}
    assert found.queries.texts == tuple(rows[query] for query in found.queries.ids)
    assert (found.answers, found.variant) == (None, "")


def test_gold_splits(clone: Path, tmp_path: Path) -> None:
    """Each split is a file of its own, with a corpus of its own; Swahili and Yoruba have no dev."""
    source, subsets = _open(clone, tmp_path, "afriqa", "test")
    assert list(subsets) == ["ha-en", "yo-en"]
    assert _rows(source.load(subsets["ha-en"]).corpus) == [("p1", "", "Nan.")]
    found = source.load(subsets["yo-en"])
    assert (_rows(found.corpus), found.queries.ids) == ([("p2", " Pope John Paul II", "He died in 2005.")], ("1",))


def test_open_retrieval(clone: Path, tmp_path: Path) -> None:
    """Questions are asked of the pivot's Wikipedia; answers are the pivot's, without the brackets around them."""
    source, subsets = _open(clone, tmp_path, "afriqa-w100")
    assert list(subsets) == ["fon-fr", "ha-en"]
    found = source.load(subsets["ha-en"])
    assert _rows(found.corpus) == list(mini.ENGLISH)
    assert found.queries.ids == ("0", "1", "2", "3")
    assert found.queries.texts == tuple(row["question"] for row in mini.QUESTIONS[_QUESTIONS])
    assert found.answers == {
        "0": ("London",), "1": ("Ishyaka ry'Abaturage (PP)",), "2": ("",), "3": (' "Kano"  State,',)
    }  # fmt: skip
    assert found.variant == "unofficial" and "4 queries, officially 436" in found.notice
    french = source.load(subsets["fon-fr"])
    assert (_rows(french.corpus), french.answers) == (list(mini.FRENCH), {"0": ("l'Espagne",)})


def test_passages_of_the_benchmarks_own_scripts(tmp_path: Path) -> None:
    """The tab-separated file that the scripts make, unquoted and with a header, is read as well."""
    folder = write_afriqa(tmp_path / "afriqa")
    write_w100(folder / "tsv" / "enwiki-20220501.tsv", w100(style="bare"))
    source, subsets = _open(folder, tmp_path, "afriqa-w100")
    assert list(subsets) == ["ha-en"]
    assert _rows(source.load(subsets["ha-en"]).corpus) == [(i, title, text) for i, text, title in PASSAGES]


def test_in_an_archive(clone: Path, tmp_path: Path) -> None:
    """The repository as GitHub packs it."""
    (tmp_path / "packed").mkdir()
    with zipfile.ZipFile(tmp_path / "packed" / "afriqa-main.zip", "w") as zipped:
        for path in sorted(clone.rglob("*.json")):
            zipped.write(path, path.relative_to(clone))
    source, subsets = _open(tmp_path / "packed", tmp_path, "afriqa")
    plain, same = _open(clone, tmp_path / "other", "afriqa")
    for name in ("fon-fr", "ha-en"):
        assert source.load(subsets[name]).fingerprint == plain.load(same[name]).fingerprint


def test_gzipped(clone: Path, tmp_path: Path) -> None:
    """A file that someone has gzipped is the same file."""
    path = clone / "afriqa-main" / _GOLD
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    source, subsets = _open(clone, tmp_path, "afriqa")
    assert len(source.load(subsets["ha-en"]).queries) == 4


_BAD_GOLD: dict[str, tuple[dict[str, Any] | bytes, str]] = {
    "other question": (gold(3, "Wani abu?", "x"), ":7: question '3' is there already, and asks something else"),
    "no id": ({k: v for k, v in gold(9, "?", "x").items() if k != "id"}, ":7: no 'id' field"),
    "no question": (gold(9, "", "x"), ":7: empty question_lang"),
    "no context": ({k: v for k, v in gold(9, "?", "x").items() if k != "context"}, ":7: 'context' must be a string"),
    "empty context": (gold(9, "?", ""), ":7: empty context"),
    "blank context": (gold(9, "?", " \n"), ":7: empty context"),
    "context as a number": (
        {**gold(9, "?", "x"), "context": float("nan")},
        ":7: 'context' must be a string, not float",
    ),
    "title as a number": ({**gold(9, "?", "x"), "title": 3}, ":7: 'title' must be a string, not int"),
    "lone surrogate": (
        b'{"id": "9", "question_lang": "?", "context": "\\ud800"}',
        ":7: context holds a lone surrogate",
    ),
    "one JSON list": (b"[]", ":7: a JSON object is expected, not list"),
    "not JSON": (b'{"id', ":7: not valid JSON"),
    "not UTF-8": (b'{"id": "\xe9"}', ":7: not UTF-8"),
}


@pytest.mark.parametrize(("row", "message"), _BAD_GOLD.values(), ids=_BAD_GOLD.keys())
def test_bad_gold_passage_is_refused(clone: Path, tmp_path: Path, row: dict[str, Any] | bytes, message: str) -> None:
    """Every malformed row of a file with gold passages is one DataError with file and line."""
    _refused(clone, tmp_path, "afriqa", _GOLD, row, message)


_BAD_QUESTIONS: dict[str, tuple[dict[str, Any] | bytes, str]] = {
    "id twice": (asked(3, "?", "['x']", "hau"), ":5: question '3' was asked in line 4 already"),
    "no question": (asked(9, " ", "['x']", "hau"), ":5: empty question"),
    "bare answer": (asked(9, "?", "London", "hau"), ":5: an answer is written ['like this'], not 'London'"),
    "half an answer": (asked(9, "?", "['London'", "hau"), ":5: an answer is written"),
    "no answer": (asked(9, "?", "", "hau"), ":5: empty translated_answer"),
    "answer as a list": ({**asked(9, "?", "", "hau"), "translated_answer": ["x"]}, ":5: 'translated_answer' must be"),
    "short": (asked(9, "?", "[']", "hau"), ":5: an answer is written"),
    "not JSON": (b'{"id', ":5: not valid JSON"),
    "not UTF-8": (b'{"id": "\xe9"}', ":5: not UTF-8"),
}


@pytest.mark.parametrize(("row", "message"), _BAD_QUESTIONS.values(), ids=_BAD_QUESTIONS.keys())
def test_bad_question_is_refused(clone: Path, tmp_path: Path, row: dict[str, Any] | bytes, message: str) -> None:
    """Every malformed question is one DataError with file and line."""
    _refused(clone, tmp_path, "afriqa-w100", _QUESTIONS, row, message)


def _refused(clone: Path, tmp_path: Path, task: str, name: str, row: dict[str, Any] | bytes, message: str) -> None:
    path = clone / "afriqa-main" / name
    path.write_bytes(path.read_bytes() + b"\n" + (row if isinstance(row, bytes) else json.dumps(row).encode()))
    source, subsets = _open(clone, tmp_path, task)
    for read in (source.asked, source.load):
        with pytest.raises(DataError) as caught:
            read(subsets["ha-en"])
        assert caught.value.message.startswith(f"{path}{message}")


def test_no_gold_passage_at_all(clone: Path, tmp_path: Path) -> None:
    """A file whose questions have no passages is refused."""
    (clone / "afriqa-main" / _GOLD).write_text(json.dumps(gold(0, "?", None)))
    source, subsets = _open(clone, tmp_path, "afriqa")
    with pytest.raises(DataError, match=r"hau\.en\.dev\.json: no question with a gold passage in it"):
        source.load(subsets["ha-en"])


def test_damaged(clone: Path, tmp_path: Path) -> None:
    """A file that is cut or has bits flipped is refused, or gives each question with the passages of its own line."""
    random.seed(4)
    path = clone / "afriqa-main" / _GOLD
    data = path.read_bytes()
    source, subsets = _open(clone, tmp_path, "afriqa")
    for _ in range(400):
        damaged = bytearray(data)
        damaged[random.randrange(len(data))] ^= 1 << random.randrange(8)
        path.write_bytes(damaged if random.random() < 0.7 else data[: random.randrange(1, len(data))])
        try:
            found = source.asked(subsets["ha-en"])
        except DataError as error:
            assert str(path) in error.message
        else:
            assert set(found.qrels) == set(found.queries.ids)
            assert all(grades for grades in found.qrels.values())


def test_run_on_gold_passages(clone: Path, tmp_path: Path, cli: Cli) -> None:
    """`harness run` on gold passages, by hand: one passage and one question make every measure 1."""
    options = ("--source", clone, "-t", "afriqa/fon-fr", "--split", "dev", "--json", "--output", "out")
    done = cli("run", "-e", "hashing", *options)
    assert done.code == 0, done.err
    (row,) = done.json()["results"]
    assert row["metrics"] == {"mrr@100": 1.0, "ndcg@10": 1.0, "recall@100": 1.0}


def test_run_over_wikipedia(clone: Path, tmp_path: Path, cli: Cli) -> None:
    """`harness run` over Wikipedia, by hand: of four questions, all of them counted, London alone is found.

    Nobody answered the third, which is a miss. In 'Kano" State,' the quote and the comma are tokens: the passage has
    them both where the answer has them, so that it is found as well.
    """
    options = ("--source", clone, "-t", "afriqa-w100/ha-en", "--split", "dev", "--json", "--output", "out")
    done = cli("run", "-e", "hashing", *options)
    assert done.code == 0, done.err
    (row,) = done.json()["results"]
    assert row["metrics"] == {f"answer-recall@{k}": 0.5 for k in (10, 20, 100)}
    assert (row["counts"]["queries"], row["counts"]["scored"], row["counts"]["passages"]) == (4, 4, 3)


def test_explains_the_beir_conversion(shared_data: Path) -> None:
    """The conversion in `retrieval/afriqa` agrees with what is read here as far as it was seen.

    Its questions are numbered as the official rows are, those without a passage are left out, and no passage is there
    twice. It has its white space normalised, which the official passages do not.
    """
    for subset in ("bem-en", "fon-fr", "ha-en", "rw-en"):
        folder = shared_data / "retrieval" / "afriqa" / subset
        queries = [json.loads(x) for x in gzip.decompress((folder / "queries.jsonl.gz").read_bytes()).splitlines()]
        corpus = [json.loads(x) for x in gzip.decompress((folder / "corpus.jsonl.gz").read_bytes()).splitlines()]
        texts = [row["text"] for row in corpus]
        assert len(set(texts)) == len(texts) <= len(queries)
        assert all(text == " ".join(text.split()) for text in texts)
        if subset == "fon-fr":  # row 17 of the official file has no passage
            assert "dev-17" not in {row["_id"] for row in queries} >= {"dev-16", "dev-18"}


_PIVOTS = {"bem-en": "bem", "fon-fr": "fon", "ha-en": "hau", "ig-en": "ibo", "rw-en": "kin", "sw-en": "swa",
           "tw-en": "twi", "yo-en": "yor", "zu-en": "zul"}  # fmt: skip


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


@pytest.mark.parametrize("subset", _PIVOTS)
def test_real_text_in_the_official_form(shared_data: Path, tmp_path: Path, subset: str) -> None:
    """Real questions and passages, put back into the form they were published in, are read as they are."""
    folder = shared_data / "retrieval" / "afriqa" / subset
    queries = {row["_id"].partition("-")[2]: row["text"] for row in _lines(folder / "queries.jsonl.gz")}
    corpus = {row["_id"]: row for row in _lines(folder / "corpus.jsonl.gz")}
    judged = [line.split("\t") for line in (folder / "qrels" / "dev.tsv").read_text("utf-8").splitlines()[1:]]
    passages = {query.partition("-")[2]: corpus[passage] for query, passage, _ in judged}
    numbers = range(max(map(int, queries)) + 1)  # rows without a passage were left out of the conversion
    rows = tuple(
        gold(n, queries[str(n)], passages[str(n)]["text"], passages[str(n)]["title"] or None)
        if str(n) in passages
        else gold(n, "?", None, None)
        for n in numbers
    )
    split = "test" if subset in ("sw-en", "yo-en") else "dev"
    code, pivot = _PIVOTS[subset], subset[-2:]
    name = f"data/gold_passages/{code}/gold_span_passages.afriqa.{code}.{pivot}.{split}.json"
    source, subsets = _open(write_afriqa(tmp_path / "a", {name: rows}), tmp_path, "afriqa", split)
    found = source.load(subsets[subset])
    assert dict(zip(found.queries.ids, found.queries.texts, strict=True)) == queries
    read = {name: (title, text) for name, title, text in _rows(found.corpus)}
    assert len(read) == len(corpus)
    for query, grades in found.qrels.items():
        (passage,) = grades
        assert read[passage] == (passages[query]["title"], passages[query]["text"])
