"""Accuracy on held-out translations, against counting by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from harness_lamir.backbones.base import Backbone
from harness_lamir.data.rows import Translation
from harness_lamir.training.heldout import translation_accuracy
from torch import Tensor, nn


class Fixed(Backbone):
    """A backbone whose vectors are given."""

    def __init__(self, vectors: dict[str, list[float]]) -> None:
        super().__init__()
        self.vectors = vectors
        self.dim = 2
        self.weight = nn.Parameter(torch.ones(1))

    def tokenize(self, texts: Sequence[str], **_: Any) -> dict[str, Tensor]:
        """Look the vectors up."""
        return {"x": torch.tensor([self.vectors[text] for text in texts], dtype=torch.float32)}

    def forward(self, batch: Any) -> Tensor:
        """Bring them to unit length; in training mode they would be of no use."""
        scale = float("nan") if self.training else 1.0
        return nn.functional.normalize(batch["x"], dim=-1) * scale

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Count characters."""
        return [len(text) for text in texts]

    def save(self, folder: Any) -> None:
        """Nothing to save."""


def test_both_directions_count_alike() -> None:
    """Of three pairs, two are found from English and one from the other side."""
    backbone = Fixed({"a": [1, 0], "b": [0, 1], "c": [1, 1], "x": [1, 0], "y": [0, 1], "z": [0.1, 1]}).train()
    pairs = [Translation("a", "x", "xa"), Translation("b", "y", "xa"), Translation("c", "z", "xa")]
    # English: a→x, b→y, c→z (0.774 against 0.707): all three. Back: x→a, y→b, z→b: two of three.
    assert translation_accuracy(backbone, pairs) == pytest.approx((1 + 2 / 3) / 2)
    assert backbone.training


def test_a_sentence_that_occurs_twice_is_right_for_both() -> None:
    """Whichever of its translations is nearest."""
    backbone = Fixed({"A": [1, 0], "a ": [1, 0], "x": [1, 0], "y": [1, 0.1]})
    pairs = [Translation("A", "x", "xa"), Translation("a ", "y", "xb")]
    assert translation_accuracy(backbone, pairs) == 1.0
    assert translation_accuracy(backbone, []) == 0.0
