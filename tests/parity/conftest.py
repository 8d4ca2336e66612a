"""A made-up collection on which an encoder is neither perfect nor lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest


@dataclass(frozen=True)
class MadeUp:
    """Texts, graded judgements, and a unit vector for each text."""

    corpus: dict[str, str]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]
    vectors: dict[str, np.ndarray]


@pytest.fixture
def made_up() -> MadeUp:
    """400 passages, 60 questions that stand near their relevant passages, and explicit zeros among the judgements."""
    rng = np.random.default_rng(7)
    corpus = {f"d{i}": f"passage number {i}" for i in range(400)}
    points = rng.standard_normal((400, 12))
    queries, qrels, vectors = {}, {}, {}
    for number in range(60):
        judged = rng.choice(400, size=rng.integers(2, 9), replace=False)
        grades = [int(rng.integers(1, 4)), *(int(grade) for grade in rng.integers(0, 4, size=len(judged) - 1))]
        text = f"question number {number}?"
        queries[f"q{number}"] = text
        qrels[f"q{number}"] = {f"d{i}": grade for i, grade in zip(judged, grades, strict=True)}
        vectors[text] = np.average(points[judged], axis=0, weights=grades) + 0.4 * rng.standard_normal(12)
    vectors |= dict(zip(corpus.values(), points, strict=True))
    unit = {text: (vector / np.linalg.norm(vector)).astype(np.float32) for text, vector in vectors.items()}
    return MadeUp(corpus, queries, qrels, unit)
