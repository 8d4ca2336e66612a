"""XTREME-UP's files: the archive, what came out of it, one candidate for each question, and capitals made small."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DataError
from harness.sources.official import Url
from harness.sources.official.source import OfficialSource
from harness.sources.official.xtreme_up import XtremeUp
from harness.tasks import task
from harness.tasks.model import lowered
from harness.tasks.selection import Selection, select

from .mini_common import damage, load, passages, refusal, rewrite
from .mini_xtreme_up import ASKED, INDEX, jsonl, write_xtreme_up

_TASK = task("xtreme-up")


def _subset(kind: str, language: str) -> str:
    return f"xtreme-up/{language}" + ("-en" if kind == "retrieval_cross_lang" else "")


@pytest.mark.parametrize("asked", ASKED, ids="-".join)
@pytest.mark.parametrize("dev", ["dev", "validation"])
@pytest.mark.parametrize("form", ["folder", "archive", "another folder"])
def test_reads_what_was_written(tmp_path: Path, form: str, dev: str, asked: tuple[str, str, str]) -> None:
    """Candidates, questions and the one that is sought, to the character; repeated questions are all asked."""
    root = "elsewhere" if form == "another folder" else "xtreme_up_v1.1"
    folder = write_xtreme_up(tmp_path / "data", packed=form == "archive", dev=dev, root=root)
    kind, split, language = asked
    collection = load(folder, _subset(kind, language), split)
    assert passages(collection) == INDEX[kind]
    ids = tuple(str(n) for n in range(1, len(ASKED[asked]) + 1))
    assert collection.queries.ids == ids
    assert collection.queries.texts == tuple(question for _, question in ASKED[asked])
    assert collection.qrels == {i: {name: 1} for i, (name, _) in zip(ids, ASKED[asked], strict=True)}
    assert collection.variant == ""


def test_offers_what_is_there(tmp_path: Path) -> None:
    """Subsets with their index and questions are offered, each on the splits it has."""
    root = write_xtreme_up(tmp_path / "data", packed=True)
    (offered,) = OfficialSource(root, tmp_path / "own").tasks()
    assert offered.subset_splits == {"sw": ("test",), "te": ("dev", "test"), "te-en": ("test",), "as-en": ("test",)}
    assert [s.label for s in select([offered], Selection())] == [
        "xtreme-up/sw", "xtreme-up/te", "xtreme-up/te-en", "xtreme-up/as-en"
    ]  # fmt: skip


def test_an_index_is_converted_once(tmp_path: Path) -> None:
    """All languages of a task share its candidates."""
    root = write_xtreme_up(tmp_path / "data", packed=True)
    source = OfficialSource(root, tmp_path / "own")
    for selected in select(source.tasks(), Selection()):
        source.load(selected)
    assert len(list((tmp_path / "own" / "corpora").iterdir())) == 2


def test_averages() -> None:
    """The official averages are over under-represented languages; SWIM-IR's is over the 20 Indic ones."""
    averages = {average.title: average.subsets for average in _TASK.averages}
    assert averages["Avg own"] == ("bn", "id", "sw", "te")
    assert len(averages["Avg → en"]) == 21 and "hi-en" not in averages["Avg → en"]
    assert len(averages["Avg Indic → en"]) == 20 and "hi-en" in averages["Avg Indic → en"]
    assert {s.passage_language for s in _TASK.subsets} == {"mul", "en"}


def test_parts_name_their_origins() -> None:
    """Index and questions are in one archive; questions and what they seek are one file."""
    parts = {part.kind: part for part in XtremeUp().parts(_TASK.subset("as-en"), "dev")}
    assert parts["corpus"].names[0] == "xtreme_up_v1.1/retrieval_cross_lang/index.jsonl"
    assert parts["queries"].names[0] == "xtreme_up_v1.1/retrieval_cross_lang/dev/as.jsonl"
    assert parts["qrels"].names == parts["queries"].names
    assert all(isinstance(o, Url) and o.url.endswith("v1.1.jsonl.tgz") for p in parts.values() for o in p.origins)


@pytest.mark.parametrize(
    ("lowercase", "expected"),
    [("", "ÄÖ Ab ЖИ İ DHAKA"), ("ascii", "ÄÖ ab ЖИ İ dhaka"), ("unicode", "äö ab жи i̇ dhaka")],
)
def test_capitals(lowercase: str, expected: str) -> None:
    """tf.strings.lower without an encoding, as the official baseline calls it, makes A to Z small and nothing else."""
    assert _TASK.lowercase == "ascii"
    assert lowered("ÄÖ Ab ЖИ İ DHAKA", lowercase) == expected  # type: ignore[arg-type]


_INDEX = "retrieval_cross_lang/index.jsonl"
_AS = "retrieval_cross_lang/test/as.jsonl"

#: File, line (0: one more), what is put there, and what the message says after file and line.
_BAD: dict[str, tuple[str, int, dict[str, Any] | bytes, str]] = {
    "broken JSON": (_INDEX, 2, b'{"id": ', ":{}: not valid JSON"),
    "no object": (_AS, 3, b"[]", ":{}: a JSON object is expected"),
    "not UTF-8": (_AS, 3, b"\xff", ":{}: not UTF-8"),
    "candidate without id": (_INDEX, 2, {"title": "a", "context": "b"}, ":{}: no 'id' field"),
    "candidate without text": (_INDEX, 2, {"id": 1, "title": "a"}, ":{}: 'context' must be a string, not NoneType"),
    "blank candidate": (_INDEX, 2, {"id": 1, "title": "a", "context": " "}, ":{}: empty context"),
    "title no string": (_INDEX, 2, {"id": 1, "title": 3, "context": "b"}, ":{}: 'title' must be a string"),
    "fraction as id": (_INDEX, 2, {"id": 1.5, "title": "", "context": "b"}, ":{}: 'id' must be a non-empty string"),
    "question without candidate": (_AS, 2, {"question": "b"}, ":{}: no 'id' field"),
    "candidate null": (_AS, 2, {"id": None, "question": "b"}, ":{}: 'id' must be a non-empty string"),
    "no question": (_AS, 2, {"id": 12}, ":{}: 'question' must be a string, not NoneType"),
    "blank question": (_AS, 2, {"id": 12, "question": "\t"}, ":{}: empty question"),
    "lone surrogate": (_AS, 2, {"id": 12, "question": "a\ud800"}, ":{}: question holds a lone surrogate"),
}


@pytest.mark.parametrize("name, line, row, message", _BAD.values(), ids=_BAD.keys())
def test_malformed_lines(tmp_path: Path, name: str, line: int, row: dict[str, Any] | bytes, message: str) -> None:
    """Each way of being malformed is refused with file and line."""
    file = write_xtreme_up(tmp_path / "data") / "xtreme_up_v1.1" / name
    rewrite(file, line, row if isinstance(row, bytes) else json.dumps(row).encode())
    assert refusal(tmp_path / "data", "xtreme-up/as-en", "test").startswith(str(file) + message.format(line))


def test_candidate_that_is_there_twice(tmp_path: Path) -> None:
    """A candidate that the index has twice, as that of version 1.0 does, is refused with both places."""
    file = write_xtreme_up(tmp_path / "data") / "xtreme_up_v1.1" / _INDEX
    rewrite(file, 0, jsonl([{"id": 12, "title": "", "context": "again"}]))
    message = refusal(tmp_path / "data", "xtreme-up/as-en", "test")
    assert message == f"{file}:4: passage id '12' was used in {file}:1 already"


def test_candidate_that_is_not_in_the_index(tmp_path: Path) -> None:
    """A question whose candidate cannot be found is refused, naming both files."""
    root = write_xtreme_up(tmp_path / "data")
    rewrite(root / "xtreme_up_v1.1" / _AS, 2, jsonl([{"id": "99", "question": "?"}]))
    message = refusal(root, "xtreme-up/as-en", "test")
    assert "query '2' is judged on passage '99', which is not in" in message and message.startswith(str(root))


@pytest.mark.parametrize("data", [b"", b"\n \n"])
@pytest.mark.parametrize("name, what", [(_INDEX, "passages"), (_AS, "questions")])
def test_file_without_rows(tmp_path: Path, name: str, what: str, data: bytes) -> None:
    """An empty index or file of questions is refused by name."""
    file = write_xtreme_up(tmp_path / "data") / "xtreme_up_v1.1" / name
    file.write_bytes(data)
    assert refusal(tmp_path / "data", "xtreme-up/as-en", "test") == f"{file}: no {what} in it"


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "archive"])
def test_damaged_files(tmp_path: Path, packed: bool) -> None:
    """However the files are damaged, they are refused by name or read as what they then say.

    Counts are not published, so that a plain file that was cut at the end of a line reads as a shorter one; the
    archive, which is what is published, never does.
    """
    root = write_xtreme_up(tmp_path / "data", packed=packed)
    file = root / "xtreme-up-v1.1.jsonl.tgz" if packed else root / "xtreme_up_v1.1" / _INDEX
    whole = file.read_bytes()
    rng = random.Random(9)
    refused = 0
    for _ in range(80):
        file.write_bytes(damage(whole, rng))
        try:
            read = passages(load(root, "xtreme-up/as-en", "test"))
        except DataError as error:
            refused += 1
            assert str(root) in error.message
            continue
        if packed:
            assert read == INDEX["retrieval_cross_lang"]
        else:
            assert len(read) == 3 or whole.startswith(file.read_bytes())
    assert refused > 20


def test_end_to_end(tmp_path: Path, cli: Callable[..., Any]) -> None:
    """`harness run` on the archive: a question that repeats its candidate, and one that repeats another."""
    root = write_xtreme_up(tmp_path / "data")
    one, two = "the capital of the land", "rivers flow into lakes"
    folder = root / "xtreme_up_v1.1" / "retrieval_cross_lang"
    index = [{"id": 1, "title": "", "context": one}, {"id": 2, "title": "", "context": two}]
    (folder / "index.jsonl").write_bytes(jsonl(index))
    asked = [{"id": 1, "question": one}, {"id": 2, "question": f"{one}?"}]
    (folder / "test" / "as.jsonl").write_bytes(jsonl(asked))
    done = cli("run", "-e", "hashing", "-s", root, "-t", "xtreme-up/as-en", "--output", "out", "--json")
    assert done.code == 0, done.err
    (result,) = [json.loads(path.read_text("utf-8")) for path in (tmp_path / "out").rglob("*.json")]
    (subset,) = result["subsets"].values()
    assert subset["per_query"]["ranking"]["values"]["mrr@10"] == [1.0, 0.5]
    assert subset["metrics"]["mrr@10"] == 0.75
