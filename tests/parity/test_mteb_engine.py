"""The harness against mteb's own retrieval evaluation, on data held in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import harness


def test_equals_mtebs_retrieval(
    tmp_path: Path,
    write_subset: Callable[..., Path],
    toy_encoder: Callable[..., Any],
    made_up: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One encoder on one collection has the same nDCG@10 and recall@100 in mteb and here."""
    monkeypatch.setenv("MTEB_CACHE", str(tmp_path / "mteb"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    mteb = pytest.importorskip("mteb")
    import torch
    from datasets import Dataset
    from mteb.abstasks.retrieval import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata
    from mteb.models.model_meta import ModelMeta

    class InMemory(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name="InMemoryRetrieval",
            description="A collection made for this test.",
            dataset={"path": "none/none", "revision": "none"},
            type="Retrieval",
            category="t2t",
            modalities=["text"],
            eval_splits=["test"],
            eval_langs=["eng-Latn"],
            main_score="ndcg_at_10",
        )

        def load_data(self, *args: Any, **kwargs: Any) -> None:
            split = {
                "corpus": Dataset.from_list(
                    [{"id": i, "title": "", "text": text} for i, text in made_up.corpus.items()]
                ),
                "queries": Dataset.from_list([{"id": i, "text": text} for i, text in made_up.queries.items()]),
                "relevant_docs": {q: dict(grades) for q, grades in made_up.qrels.items()},
                "top_ranked": None,
            }
            self.dataset = {"default": {"test": split}}
            self.data_loaded = True

    class Model:
        mteb_model_meta = ModelMeta.create_empty({"name": "toys/toy", "revision": "1"})

        def __init__(self) -> None:
            self.encoder = toy_encoder(dim=12, vectors=made_up.vectors)

        def encode(self, inputs: Any, **kwargs: Any) -> torch.Tensor:
            texts = [text for batch in inputs for text in batch["text"]]
            return torch.from_numpy(self.encoder.encode([text.strip() for text in texts], role="query"))

        def similarity(self, left: Any, right: Any) -> torch.Tensor:
            return torch.as_tensor(left) @ torch.as_tensor(right).T

        def similarity_pairwise(self, left: Any, right: Any) -> torch.Tensor:
            return (torch.as_tensor(left) * torch.as_tensor(right)).sum(-1)

    done = mteb.evaluate(Model(), InMemory(), cache=None, co2_tracker=False, show_progress_bar=False)
    theirs = done.task_results[0].scores["test"][0]

    write_subset(tmp_path / "toy" / "en", made_up.corpus, made_up.queries, made_up.qrels)
    evaluation = harness.evaluate(
        toy_encoder(dim=12, vectors=made_up.vectors),
        source=str(tmp_path / "toy"),
        settings=harness.Settings(tmp_path / "out"),
    )
    ours = evaluation.outcomes[0].result.metrics
    assert 0.2 < ours["ndcg@10"] < 0.9
    assert ours["ndcg@10"] == pytest.approx(theirs["ndcg_at_10"], abs=1e-4)
    assert ours["recall@100"] == pytest.approx(theirs["recall_at_100"], abs=1e-4)
