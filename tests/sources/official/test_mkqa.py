"""MKQA's official files, read by Contriever's rules."""

from __future__ import annotations

import gzip
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import DataError
from harness.sources.official.source import OfficialSource
from harness.tasks.low_resource import MKQA
from harness.tasks.selection import Selected, Selection, select

from .mini_mkqa import KEPT, QUESTIONS, ROWS, entity, example, write_mkqa
from .mini_w100 import PASSAGES, STYLES, Style

Cli = Callable[..., Any]


def _open(folder: Path, tmp_path: Path) -> tuple[OfficialSource, dict[str, Selected]]:
    source = OfficialSource(folder, tmp_path / "cache")
    return source, {item.subset.name: item for item in select(source.tasks(), Selection(tasks=("mkqa",)))}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("style", STYLES)
def test_what_was_written_is_read(tmp_path: Path, style: Style, zipped: bool) -> None:
    """Questions, answers and passages are those of the files, byte for byte, however the corpus is quoted."""
    source, subsets = _open(write_mkqa(tmp_path / "m", style=style, zipped=zipped), tmp_path)
    assert list(subsets) == [subset.name for subset in MKQA.subsets]
    found = source.load(subsets["th-en"])
    assert found.answers == KEPT
    assert found.queries.ids == tuple(KEPT)
    assert found.queries.texts == tuple(r["queries"]["th"] for r in ROWS if str(r["example_id"]) in KEPT)
    assert found.qrels == {}
    columns = [list(found.corpus.column(name)) for name in ("id", "text", "title")]
    assert list(zip(*columns, strict=True)) == list(PASSAGES)


def test_same_questions_in_every_language(tmp_path: Path) -> None:
    """Answers are the English ones, whatever the question's language; corpus and questions are shared."""
    source, subsets = _open(write_mkqa(tmp_path / "m"), tmp_path)
    for item in subsets.values():
        asked = source.asked(item)
        assert (asked.answers, asked.queries.ids) == (KEPT, tuple(KEPT))
    assert source.asked(subsets["zh_cn-en"]).queries.texts[-1] == "什么？"
    for name in ("ar-en", "en-en"):
        source.load(subsets[name])
    assert len(list((tmp_path / "cache" / "corpora").iterdir())) == 1


def _contriever(rows: tuple[dict[str, Any], ...]) -> dict[str, tuple[str, ...]]:
    """The rules once more, written from their description: the last English answer decides, all kept ones count."""
    dropped = {"unanswerable", "binary", "long_answer"}
    found = {}
    for row in rows:
        kept = [answer for answer in row["answers"]["en"] if answer["type"] not in dropped]
        if kept and row["answers"]["en"][-1] is kept[-1]:
            found[str(row["example_id"])] = tuple(t for a in kept for t in (*a.get("aliases", ()), a["text"]))
    return found


def test_rules_against_a_second_reading(tmp_path: Path) -> None:
    """Random lists of answers of every type are kept, dropped and joined as the rules say."""
    random.seed(5)
    kinds = "entity date number number_with_unit short_phrase unanswerable binary long_answer".split()
    rows = list(ROWS)
    for number in range(100, 300):
        answers = []
        for kind in random.choices(kinds, k=random.randint(1, 3)):
            answer: dict[str, Any] = {"type": kind, "text": f"{kind} {number}"}
            if random.random() < 0.5:
                answer["aliases"] = [f"alias {i}" for i in range(random.randint(0, 2))]
            answers.append(answer)
        rows.append(example(number, f"question {number}", answers))
    source, subsets = _open(write_mkqa(tmp_path / "m", rows), tmp_path)
    assert source.asked(subsets["fi-en"]).answers == _contriever(tuple(rows))
    assert _contriever(ROWS) == KEPT


def test_passages_read_as_contriever_joins_them(tmp_path: Path) -> None:
    """An encoder reads title, a space and text."""
    source, subsets = _open(write_mkqa(tmp_path / "m"), tmp_path)
    corpus = source.load(subsets["en-en"]).corpus
    _, text, title = PASSAGES[1]
    rendered = corpus.render(MKQA.passage_template, np.array([1, 2]))
    assert rendered == [f"{title} {text}", PASSAGES[2][1]]


def test_in_an_archive(tmp_path: Path) -> None:
    """The repository as GitHub packs it, with the corpus beside it."""
    folder = write_mkqa(tmp_path / "m")
    (tmp_path / "packed").mkdir()
    with zipfile.ZipFile(tmp_path / "packed" / "ml-mkqa-main.zip", "w") as zipped:
        zipped.write(folder / "dataset" / f"{QUESTIONS}.gz", f"ml-mkqa-main/dataset/{QUESTIONS}.gz")
        zipped.write(folder / "psgs_w100.tsv.gz", "psgs_w100.tsv.gz")
    source, subsets = _open(tmp_path / "packed", tmp_path)
    found = source.load(subsets["ar-en"])
    assert (found.queries.ids, len(found.corpus)) == (tuple(KEPT), len(PASSAGES))
    assert found.variant == "unofficial" and "6 passages, officially 21,015,324" in found.notice


def _changed(**fields: Any) -> dict[str, Any]:
    return {**example(99, "new", [entity("x")]), **fields}


_BAD: dict[str, tuple[dict[str, Any] | bytes, str]] = {
    "id twice": (example(3, "again", [entity("x")]), ":11: question '3' was asked in line 3 already"),
    "no id": ({k: v for k, v in _changed().items() if k != "example_id"}, ":11: no 'example_id' field"),
    "id as a fraction": (_changed(example_id=1.5), ":11: 'example_id' must be a non-empty string"),
    "no queries": (_changed(queries=None), ":11: 'queries' must be an object"),
    "language missing": (_changed(queries={"en": "x"}), ":11: 'ar' must be a string"),
    "blank query": (_changed(queries={"ar": " \t"}), ":11: empty ar"),
    "answers as a list": (_changed(answers=[]), ":11: 'answers' must be an object"),
    "no English answers": (_changed(answers={"ar": []}), ":11: no list of English answers"),
    "empty list of answers": (_changed(answers={"en": []}), ":11: no list of English answers"),
    "unknown type": (_changed(answers={"en": [{"type": "yes"}]}), ":11: 'yes' is no type of answer; those are entity,"),
    "answer as a string": (_changed(answers={"en": ["x"]}), ":11: None is no type of answer"),
    "no text": (_changed(answers={"en": [{"type": "entity"}]}), ":11: 'text' must be a string"),
    "aliases as a string": (
        _changed(answers={"en": [{"type": "date", "text": "x", "aliases": "y"}]}),
        ":11: 'aliases' must be a list of strings",
    ),
    "not JSON": (b'{"example_id": ', ":11: not valid JSON"),
    "not UTF-8": (b'{"example_id": "\xe9"}', ":11: not UTF-8"),
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(("row", "message"), _BAD.values(), ids=_BAD.keys())
def test_bad_example_is_refused(tmp_path: Path, row: dict[str, Any] | bytes, message: str, zipped: bool) -> None:
    """Every malformed example is one DataError with file and line."""
    write_mkqa(tmp_path / "m", zipped=zipped)
    path = tmp_path / "m" / "dataset" / (f"{QUESTIONS}.gz" if zipped else QUESTIONS)
    data = gzip.decompress(path.read_bytes()) if zipped else path.read_bytes()
    data += b"\n" + (row if isinstance(row, bytes) else json.dumps(row).encode())
    path.write_bytes(gzip.compress(data) if zipped else data)
    source, subsets = _open(tmp_path / "m", tmp_path)
    with pytest.raises(DataError) as caught:
        source.asked(subsets["ar-en"])
    assert caught.value.message.startswith(f"{path}{message}")


def test_no_question_that_counts(tmp_path: Path) -> None:
    """A file without a single question that counts is refused."""
    source, subsets = _open(write_mkqa(tmp_path / "m", ROWS[2:5]), tmp_path)
    with pytest.raises(DataError, match=r"mkqa\.jsonl\.gz: no questions with a short answer in it"):
        source.asked(subsets["ar-en"])


def test_damaged_archive(tmp_path: Path) -> None:
    """Random bits flipped in the gzipped questions: refused, or the same."""
    random.seed(2)
    path = write_mkqa(tmp_path / "m") / "dataset" / f"{QUESTIONS}.gz"
    data = path.read_bytes()
    source, subsets = _open(tmp_path / "m", tmp_path)
    for _ in range(200):
        damaged = bytearray(data)
        damaged[random.randrange(len(data))] ^= 1 << random.randrange(8)
        path.write_bytes(damaged)
        try:
            assert source.asked(subsets["ar-en"]).answers == KEPT
        except DataError as error:
            assert str(path) in error.message


def test_run(tmp_path: Path, cli: Cli) -> None:
    """`harness run` on the files, by hand: all six passages are among the first 20, and hold three of six answers.

    Nairobi, 550 and 1977 are there. The quotes of 'the "sun"' are tokens too, and the passage has none there, nor are
    Kampala and "5 feet" anywhere.
    """
    folder = write_mkqa(tmp_path / "m")
    done = cli("run", "-e", "hashing", "--source", folder, "-t", "mkqa/th-en", "--json", "--output", "out")
    assert done.code == 0, done.err
    (row,) = done.json()["results"]
    assert row["metrics"] == {"answer-recall@100": 0.5, "answer-recall@20": 0.5}
    assert (row["counts"]["queries"], row["counts"]["passages"]) == (6, 6)
