"""One model on one collection: mteb's evaluation and the harness's give the same scores, whoever brings the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import harness_mteb
import mteb
import numpy as np
import pytest
from mteb.models import SentenceTransformerEncoderWrapper

import harness
from harness.encoders.protocols import EncoderInfo
from harness.sources.opening import open_source

MEASURES = {"ndcg@10": "ndcg_at_10", "mrr@100": "mrr_at_100", "recall@100": "recall_at_100"}


def theirs(model: Any, task: Any, cache: Any = None) -> dict[str, float]:
    """What mteb scores."""
    done = mteb.evaluate(model, task, cache=cache, co2_tracker=False, show_progress_bar=False)
    scores = done.task_results[0].scores["test"][0]
    return {ours: scores[name] for ours, name in MEASURES.items()}


def ours(model: Any, source: Path, tmp_path: Path, subset: str = "en", /, **options: Any) -> dict[str, float]:
    """What the harness scores on one subset of a folder, with titles."""
    evaluation = harness.evaluate(
        model,
        options=options,
        source=open_source(str(source), passage_template="{title} {text}"),
        select=harness.Selection(tasks=(f"{source.name}/{subset}",)),
        settings=harness.Settings(tmp_path / "out"),
    )
    (outcome,) = evaluation.outcomes
    assert outcome.result.status == "ok", outcome.result.error
    return {name: outcome.result.metrics[name] for name in MEASURES}


def test_an_mteb_model_scores_in_the_harness_as_in_mteb(
    minilm: Path, titled: Path, mteb_task: Callable[..., Any], tmp_path: Path
) -> None:
    """MiniLM, loaded by mteb's wrapper, on passages that only their titles tell apart."""
    expected = theirs(SentenceTransformerEncoderWrapper(str(minilm), device="cpu"), mteb_task(titled / "en"))
    found = ours("mteb", titled, tmp_path, model=str(minilm), device="cpu")
    assert found == pytest.approx(expected, abs=1e-4)
    assert 0.5 < found["ndcg@10"] < 1


def test_an_mteb_model_scores_the_same_on_real_text(
    minilm: Path, xquad: Path, mteb_task: Callable[..., Any], tmp_path: Path
) -> None:
    """MiniLM on XQuAD."""
    expected = theirs(SentenceTransformerEncoderWrapper(str(minilm), device="cpu"), mteb_task(xquad / "en"))
    found = ours("mteb", xquad, tmp_path, model=str(minilm), device="cpu")
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_registered_baseline_scores_as_in_mteb(titled: Path, mteb_task: Callable[..., Any], tmp_path: Path) -> None:
    """By name, through mteb's registry: chance is the same chance, because its vectors hang on the exact text."""
    name = "mteb/baseline-random-encoder"
    found = ours("mteb", titled, tmp_path, model=name)
    assert found == pytest.approx(theirs(mteb.get_model(name), mteb_task(titled / "en")), abs=1e-4)


def test_a_harness_encoder_scores_in_mteb_as_in_the_harness(
    titled: Path, mteb_task: Callable[..., Any], tmp_path: Path
) -> None:
    """Hashing on titled passages; without titles the scores are others, so that the titles were read."""
    expected = ours("hashing", titled, tmp_path)
    model = harness_mteb.as_mteb_model("hashing")
    assert isinstance(model, mteb.EncoderProtocol) and not isinstance(model, mteb.SearchProtocol)
    assert theirs(model, mteb_task(titled / "en")) == pytest.approx(expected, abs=1e-4)
    untitled = theirs(harness_mteb.as_mteb_model("hashing", passage_template="{text}"), mteb_task(titled / "en"))
    assert untitled["ndcg@10"] < expected["ndcg@10"] - 0.1


@pytest.mark.parametrize(("subset", "code"), [("en", "eng-Latn"), ("hi", "hin-Deva")])
def test_a_harness_encoder_scores_the_same_on_real_text(
    xquad: Path, mteb_task: Callable[..., Any], tmp_path: Path, subset: str, code: str
) -> None:
    """Hashing on XQuAD."""
    expected = ours("hashing", xquad, tmp_path, subset)
    found = theirs(harness_mteb.as_mteb_model("hashing"), mteb_task(xquad / subset, (code,)))
    assert found == pytest.approx(expected, abs=1e-4)
    assert 0.2 < found["ndcg@10"] < 1


def test_there_and_back(minilm: Path, titled: Path, mteb_task: Callable[..., Any]) -> None:
    """An mteb model, as an encoder of the harness, as an mteb model again: the scores of the first."""
    expected = theirs(SentenceTransformerEncoderWrapper(str(minilm), device="cpu"), mteb_task(titled / "en"))
    again = harness_mteb.as_mteb_model("mteb", model=str(minilm), device="cpu")
    assert theirs(again, mteb_task(titled / "en")) == pytest.approx(expected, abs=1e-4)


class Overlap:
    """A searcher that counts shared letters, and what it was told of the language."""

    info = EncoderInfo(name="overlap", dim=0, fingerprint="e" * 64, language_aware=True)

    def __init__(self) -> None:
        self.languages: list[str | None] = []
        self._passages: list[str] = []

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Keep them."""
        self._passages = list(passages)
        self.languages.append(language)

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> tuple[Any, Any]:
        """By the share of the query's three-letter pieces that a passage has."""
        self.languages.append(language)
        scores = np.array([[self.one(query, passage) for passage in self._passages] for query in queries])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return order.astype(np.int64), np.take_along_axis(scores, order, 1).astype(np.float32)

    def one(self, query: str, passage: str) -> float:
        """Score of one pair."""
        pieces = {query[i : i + 3] for i in range(len(query) - 2)}
        return sum(piece in passage for piece in pieces) / max(1, len(pieces))


class Pairs:
    """A reranker of the same scores."""

    info = EncoderInfo(name="pairs", dim=0, fingerprint="d" * 64)

    def score(self, pairs: Sequence[tuple[str, str]], **languages: Any) -> Any:
        """Scores (n,)."""
        return np.array([Overlap().one(*pair) for pair in pairs], dtype=np.float32)


def test_a_harness_searcher_scores_in_mteb_as_in_the_harness(
    titled: Path, mteb_task: Callable[..., Any], tmp_path: Path
) -> None:
    """The SearchProtocol, with the language of the task."""
    expected = ours(Overlap(), titled, tmp_path)
    searcher = Overlap()
    model = harness_mteb.as_mteb_model(searcher)
    assert isinstance(model, mteb.SearchProtocol)
    assert theirs(model, mteb_task(titled / "en")) == pytest.approx(expected, abs=1e-4)
    assert searcher.languages == ["en", "en"]


def test_mtebs_bm25_scores_in_the_harness_as_in_mteb(
    xquad: Path, mteb_task: Callable[..., Any], tmp_path: Path
) -> None:
    """A model that searches by itself and chooses stop words and stemmer by the language."""
    pytest.importorskip("bm25s")
    pytest.importorskip("Stemmer")
    name = "mteb/baseline-bm25s"
    expected = theirs(mteb.get_model(name), mteb_task(xquad / "hi", ("hin-Deva",)))
    found = ours("mteb-searcher", xquad, tmp_path, "hi", model=name)
    assert found["ndcg@10"] == pytest.approx(expected["ndcg@10"], abs=1e-4)


def test_a_harness_reranker_reorders_in_mteb(titled: Path, mteb_task: Callable[..., Any]) -> None:
    """The CrossEncoderProtocol over given candidates: the scores of a searcher that is given the same."""
    candidates = {f"q{i}": [f"d{j}" for j in range(12)] + [f"e{j}" for j in range(0, 12, 2)] for i in range(12)}
    reranker, searcher = (harness_mteb.as_mteb_model(model) for model in (Pairs(), Overlap()))
    assert isinstance(reranker, mteb.CrossEncoderProtocol)
    found = theirs(reranker, mteb_task(titled / "en", top_ranked=candidates))
    assert found == pytest.approx(theirs(searcher, mteb_task(titled / "en", top_ranked=candidates)), abs=1e-4)
    assert found["recall@100"] < 1  # half of the other relevant passages are no candidates


def test_results_are_cached_under_name_and_fingerprint(
    titled: Path, mteb_task: Callable[..., Any], tmp_path: Path
) -> None:
    """Results come in mteb's own JSON; other options are another revision, so that no result is mistaken."""
    cache = mteb.ResultCache(tmp_path / "mteb")
    first = theirs(harness_mteb.as_mteb_model("hashing"), mteb_task(titled / "en"), cache)
    other = theirs(harness_mteb.as_mteb_model("hashing", dim=16), mteb_task(titled / "en"), cache)
    files = sorted((tmp_path / "mteb").rglob("LocalRetrieval.json"))
    assert len(files) == 2 and all("lamir-harness__hashing" in str(file) for file in files)
    assert first != other
    assert theirs(harness_mteb.as_mteb_model("hashing"), mteb_task(titled / "en"), cache) == first
