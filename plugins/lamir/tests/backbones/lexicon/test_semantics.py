"""Rows that start at a teacher's vectors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from harness_lamir.backbones.base import Backbone
from harness_lamir.backbones.ids import IdBackbone
from harness_lamir.backbones.lexicon.semantics import load_teacher, stem_rows

from harness.errors import UsageError


class Teacher:
    """Knows the vectors of some words by heart."""

    def __init__(self, vectors: dict[str, np.ndarray]) -> None:
        """Keep the vectors."""
        self.vectors = vectors
        self.dim = len(next(iter(vectors.values())))
        self.batches: list[int] = []

    def encode(self, words: list[str], *, role: str) -> torch.Tensor:
        """Return the vectors of words, (W, D)."""
        self.batches.append(len(words))
        return torch.tensor(np.stack([self.vectors[word] for word in words]))


def rows_of(vectors: np.ndarray, idf: np.ndarray, dim: int) -> np.ndarray:
    """Return the rows of words a, bb, ccc, …"""
    words = [chr(97 + n % 26) * (n // 26 + 1) for n in range(len(vectors))]
    teacher = Teacher(dict(zip(words, vectors, strict=True)))
    found = stem_rows(cast(Backbone, teacher), words, idf, dim)
    assert found.dtype == torch.float32 and max(teacher.batches) <= 256 and sum(teacher.batches) == len(words)
    return found.double().numpy()


def test_dot_products_follow_the_teacher() -> None:
    """With all dimensions they are exact, once the weighted mean is out; with fewer they are the best there are."""
    rng = np.random.default_rng(0)
    vectors, idf = rng.normal(size=(300, 10)), rng.uniform(0.05, 9, 300)
    mean = np.average(vectors, axis=0, weights=np.exp(-idf))
    gram = (vectors - mean) @ (vectors - mean).T
    rows = rows_of(vectors, idf, 10)
    np.testing.assert_allclose(rows @ rows.T, gram, atol=1e-4)
    rows = rows_of(vectors, idf, 4)
    values, axes = np.linalg.eigh(gram)
    best = (axes[:, -4:] * values[-4:]) @ axes[:, -4:].T  # Eckart and Young
    np.testing.assert_allclose(rows @ rows.T, best, atol=1e-4)


def test_fewer_words_than_dimensions() -> None:
    """What no word fills is zero."""
    rows = rows_of(np.eye(3, 10), np.ones(3), 8)
    assert rows.shape == (3, 8) and not rows[:, 3:].any()


def test_teachers_that_will_not_do_are_told(make_backbone: Callable[..., IdBackbone], tmp_path: Path) -> None:
    """One that is missing, or has too few dimensions; any kind will do."""
    make_backbone("tokens").save(tmp_path)
    assert load_teacher(str(tmp_path), 12).dim == 12
    with pytest.raises(UsageError, match="have 12 dimensions, and semantic_dim is 13"):
        load_teacher(str(tmp_path), 13)
    with pytest.raises(UsageError, match=r"backbone\.teacher"):
        load_teacher(str(tmp_path / "nothing"), 12)
