"""The harness against BEIR's own exact search and evaluation, with the same vectors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import harness


def test_equals_beir(
    tmp_path: Path, write_subset: Callable[..., Path], toy_encoder: Callable[..., Any], made_up: Any
) -> None:
    """A folder in BEIR layout scores as beir's loader, dense exact search and EvaluateRetrieval score it."""
    pytest.importorskip("beir")
    import torch
    from beir.datasets.data_loader import GenericDataLoader
    from beir.retrieval.evaluation import EvaluateRetrieval
    from beir.retrieval.search.dense import DenseRetrievalExactSearch

    folder = write_subset(tmp_path / "toy" / "en", made_up.corpus, made_up.queries, made_up.qrels)

    class Model:
        def __init__(self) -> None:
            self.encoder = toy_encoder(dim=12, vectors=made_up.vectors)

        def encode_queries(self, texts: list[str], **kwargs: Any) -> torch.Tensor:
            return torch.from_numpy(self.encoder.encode(texts, role="query"))

        def encode_corpus(self, passages: list[dict[str, str]], **kwargs: Any) -> torch.Tensor:
            return torch.from_numpy(self.encoder.encode([p["text"] for p in passages], role="passage"))

    loaded = GenericDataLoader(str(folder)).load(split="test")
    searcher = DenseRetrievalExactSearch(Model(), show_progress_bar=False)
    peer = EvaluateRetrieval(searcher, k_values=[10, 100], score_function="cos_sim")
    found = peer.retrieve(*loaded[:2])
    ndcg, _, recall, _ = peer.evaluate(loaded[2], found, [10, 100])
    mrr = peer.evaluate_custom(loaded[2], found, [100], metric="mrr")

    evaluation = harness.evaluate(
        toy_encoder(dim=12, vectors=made_up.vectors),
        source=str(tmp_path / "toy"),
        settings=harness.Settings(tmp_path / "out"),
    )
    ours = evaluation.outcomes[0].result
    assert ours.counts is not None and ours.counts.scored == len(loaded[2]) == 60
    assert 0.2 < ours.metrics["ndcg@10"] < 0.9
    assert ours.metrics["ndcg@10"] == pytest.approx(ndcg["NDCG@10"], abs=1.01e-5)  # beir rounds to five decimals
    assert ours.metrics["recall@100"] == pytest.approx(recall["Recall@100"], abs=1.01e-5)
    assert ours.metrics["mrr@100"] == pytest.approx(mrr["MRR@100"], abs=1.01e-5)
