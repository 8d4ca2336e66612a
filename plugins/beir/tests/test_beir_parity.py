"""One model on one collection: BEIR's dense search and the harness give the same scores, whoever brings the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import harness_beir
import numpy as np
import pytest
from beir.datasets.data_loader import GenericDataLoader
from beir.retrieval.evaluation import EvaluateRetrieval
from beir.retrieval.models import SentenceBERT
from beir.retrieval.search.dense import DenseRetrievalExactSearch

import harness
from harness.sources.opening import open_source


def theirs(model: Any, folder: Path, score_function: str = "cos_sim") -> dict[str, float]:
    """What BEIR scores: its loader, its exact search, its evaluation."""
    corpus, queries, qrels = GenericDataLoader(str(folder)).load(split="test")
    search = DenseRetrievalExactSearch(model, show_progress_bar=False)
    evaluation = EvaluateRetrieval(search, k_values=[10, 100], score_function=score_function)
    found = evaluation.retrieve(corpus, queries)
    ndcg, _, recall, _ = evaluation.evaluate(qrels, found, [10, 100])
    mrr = evaluation.evaluate_custom(qrels, found, [100], metric="mrr")
    return {"ndcg@10": ndcg["NDCG@10"], "recall@100": recall["Recall@100"], "mrr@100": mrr["MRR@100"]}


def ours(model: Any, source: Path, tmp_path: Path, /, **options: Any) -> dict[str, float]:
    """What the harness scores on the one subset of a folder, with titles."""
    evaluation = harness.evaluate(
        model,
        options=options,
        source=open_source(str(source), passage_template="{title} {text}"),
        settings=harness.Settings(tmp_path / "out"),
    )
    (outcome,) = evaluation.outcomes
    assert outcome.result.status == "ok", outcome.result.error
    return {name: outcome.result.metrics[name] for name in ("ndcg@10", "recall@100", "mrr@100")}


def test_a_beir_model_scores_in_the_harness_as_in_beir(minilm: Path, titled: Path, tmp_path: Path) -> None:
    """MiniLM through BEIR's SentenceBERT, on passages that only their titles tell apart."""
    expected = theirs(SentenceBERT(str(minilm), device="cpu"), titled / "en")
    found = ours("beir", titled, tmp_path, model=str(minilm), device="cpu")
    assert found == pytest.approx(expected, abs=1e-4)
    assert 0.5 < found["ndcg@10"] < 1


def test_a_referenced_model_scores_by_inner_product(own_models: Path, titled: Path, tmp_path: Path) -> None:
    """Counts of letters are no unit vectors: BEIR's "dot" is similarity=dot, and not the cosine."""
    import own_models as code

    expected = theirs(_Tensors(code.Letters("nigerzvoltjub")), titled / "en", "dot")
    options = {"model": "own_models:Letters", "arguments": {"letters": "nigerzvoltjub"}}
    found = ours("beir", titled, tmp_path, similarity="dot", **options)
    assert found["ndcg@10"] == pytest.approx(expected["ndcg@10"], abs=1e-4)
    assert found["recall@100"] == pytest.approx(expected["recall@100"], abs=1e-4)
    assert ours("beir", titled, tmp_path, **options)["ndcg@10"] != pytest.approx(found["ndcg@10"], abs=1e-3)


class _Tensors:
    """BEIR's search wants one array."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def encode_queries(self, *args: Any, **kwargs: Any) -> Any:
        """One array of rows."""
        return np.array(self.model.encode_queries(*args, **kwargs), dtype=np.float32)

    def encode_corpus(self, *args: Any, **kwargs: Any) -> Any:
        """One array of rows."""
        return np.array(self.model.encode_corpus(*args, **kwargs), dtype=np.float32)


def test_a_harness_encoder_scores_in_beir_as_in_the_harness(titled: Path, tmp_path: Path) -> None:
    """Hashing on titled passages."""
    model = harness_beir.as_beir_model("hashing")
    found = theirs(model, titled / "en", model.score_function)
    assert found == pytest.approx(ours("hashing", titled, tmp_path), abs=1e-4)
    assert 0.5 < found["ndcg@10"] <= 1


def test_a_harness_encoder_scores_the_same_on_real_text(xquad: Path, tmp_path: Path) -> None:
    """Hashing on XQuAD in Hindi."""
    found = theirs(harness_beir.as_beir_model("hashing"), xquad / "hi")
    assert found == pytest.approx(ours("hashing", xquad, tmp_path), abs=1e-4)


def test_beir_leaves_out_the_document_with_the_querys_id(titled: Path, tmp_path: Path) -> None:
    """The one difference that is meant: BEIR takes equal ids for a text that finds itself, and the harness does not."""
    for file in ("corpus.jsonl", "qrels/test.tsv"):
        path = titled / "en" / file
        path.write_text(path.read_text().replace('"d0"', '"q0"').replace("q0\td0", "q0\tq0"))
    found = ours("hashing", titled, tmp_path)
    assert theirs(harness_beir.as_beir_model("hashing"), titled / "en")["recall@100"] < found["recall@100"] == 1


def test_there_and_back(minilm: Path, titled: Path) -> None:
    """A BEIR model, as an encoder of the harness, as a BEIR model again: the scores of the first."""
    again = harness_beir.as_beir_model("beir", model=str(minilm), device="cpu")
    expected = theirs(SentenceBERT(str(minilm), device="cpu"), titled / "en")
    assert theirs(again, titled / "en") == pytest.approx(expected, abs=1e-4)
