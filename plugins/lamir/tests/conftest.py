"""What several tests share: a tiny world of made-up text, and the real data where there is some."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

WORDS = [
    "water", "stone", "river", "mountain", "bridge", "garden", "winter", "silver", "market",
    "window", "teacher", "kitchen", "forest", "captain", "letter", "island", "engine", "candle",
    "doctor", "thunder", "basket", "mirror", "soldier", "harvest", "ladder", "planet", "ribbon",
    "saddle", "tunnel", "velvet",
]  # fmt: skip


def cipher(word: str, shift: int) -> str:
    """Return a word of a made-up language: every letter moved on by so many places."""
    return "".join(chr((ord(letter) - 97 + shift) % 26 + 97) for letter in word)


def sentence(rng: Random, words: int = 5) -> str:
    """Return a few words in a row."""
    return " ".join(rng.choice(WORDS) for _ in range(words))


def translate(text: str, shift: int) -> str:
    """Return a sentence word by word in a made-up language."""
    return " ".join(cipher(word, shift) for word in text.split())


@pytest.fixture
def tiny_data(tmp_path: Path) -> Path:
    """Write English pairs and two made-up languages, and return the data folder."""
    rng = Random(7)
    data = tmp_path / "data"
    (data / "parallel").mkdir(parents=True)
    (data / "retrieval" / "corpus").mkdir(parents=True)
    questions = [sentence(rng, 6) for _ in range(200)]
    pairs = [" ".join(q.split()[:3]) + "\t" + q for q in questions]
    (data / "english.tsv").write_text("\n".join(pairs), encoding="utf-8")
    for language, shift in (("xa", 5), ("xb", 11)):
        texts = [sentence(rng) for _ in range(600)]
        lines = [f"{text}\t{translate(text, shift)}" for text in texts]
        (data / "parallel" / f"{language}.tsv").write_text("\n".join(lines), encoding="utf-8")
    (data / "retrieval" / "corpus" / "corpus.jsonl").write_text(
        '{"_id": "1", "text": "a text of the evaluation"}\n', encoding="utf-8"
    )
    return data


def tiny_recipe(**changes: object) -> dict[str, Any]:
    """Return a recipe over `tiny_data`, as the mapping its YAML holds."""
    parallel = {"name": "cipher", "files": ["parallel/*.tsv"], "licence": "CC0 1.0", "column": 2}
    english = {"name": "english", "files": ["english.tsv"], "licence": "CC0 1.0"}
    return {
        "name": "tiny",
        "licence": "cc0-1.0",
        "seed": 3,
        "steps": 150,
        "heldout_pairs": 100,
        "backbone": {
            "kind": "features",
            "semantic_dim": 32,
            "lexical_dim": 64,
            "lexical_share": 0.5,
            "tokens": 200,
            "ngram_buckets": 500,
            "vocabulary_texts": 900,
        },
        "objectives": [
            {"use": "ir", "stream": "english"},
            {"use": "semantic", "stream": "pairs"},
            {"use": "language", "weight": 0.1, "streams": {"pairs": "pairs", "texts": "texts"}},
        ],
        "optimizer": {"learning_rate": 0.02, "warmup_steps": 5},
        "runtime": {"threads": 1, "device": "cpu"},
        "streams": {
            "english": {"kind": "ir", "batch_size": 16, "sources": [english]},
            "pairs": {"kind": "parallel", "batch_size": 32, "sources": [parallel]},
            "texts": {"kind": "text", "batch_size": 16, "sources": [parallel]},
        },
        "forbidden": ["retrieval"],
    } | changes


@pytest.fixture
def make_recipe() -> Callable[..., dict[str, Any]]:
    """Return `tiny_recipe`: a recipe over `tiny_data`, with whatever changes are passed."""
    return tiny_recipe


@pytest.fixture
def real_data() -> Path:
    """Return the folder of real data, or skip: it is never part of a checkout."""
    default = Path(__file__).parents[4] / "shared" / "data"
    folder = Path(os.environ.get("HARNESS_TEST_DATA", default))
    if not (folder / "retrieval" / "xquad").is_dir():
        pytest.skip("no real data: set HARNESS_TEST_DATA to the folder that holds retrieval/xquad")
    return folder
