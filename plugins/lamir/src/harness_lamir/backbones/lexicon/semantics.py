"""Start the semantic rows where an English teacher puts the words: distillation without a step of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import UsageError
from harness_lamir.backbones.base import Backbone
from harness_lamir.backbones.building import load_backbone
from harness_lamir.backbones.locating import locate

__all__ = ["load_teacher", "stem_rows"]

_BATCH = 256


def load_teacher(teacher: str, dim: int) -> Backbone:
    """Load an English encoder whose vectors have `dim` dimensions or more.

    Args:
        teacher: a folder, `package:NAME/FOLDER`, or a hub id with its commit (`owner/name@commit`).
        dim: dimensions that are wanted.

    Raises:
        UsageError: the teacher cannot be loaded, or has fewer dimensions.
    """
    encoder = load_backbone(locate(teacher, None, where="backbone.teacher")).eval()
    if encoder.dim < dim:
        raise UsageError(
            f"backbone.teacher: the vectors of {teacher} have {encoder.dim} dimensions, and semantic_dim is {dim}",
            hint=f"Set `semantic_dim` to {encoder.dim} or less, or take a larger teacher.",
        )
    return encoder


def stem_rows(teacher: Backbone, words: Sequence[str], idf: NDArray[np.float64], dim: int) -> Tensor:
    """Return rows (len(words), dim) float32 whose dot products follow a teacher's vectors of the words.

    The mean over running text, in which common words come often, is taken out: it is what all vectors share. Of what
    is left the `dim` principal components are kept.

    Args:
        teacher: what encodes the words.
        words: the words, as texts of their own.
        idf: (len(words),) their inverse document frequencies.
        dim: dimensions, at most the teacher's; where there are fewer words than that, the last ones are 0.
    """
    order = sorted(range(len(words)), key=lambda index: len(words[index]))
    vectors = np.zeros((len(words), teacher.dim))
    with torch.inference_mode():
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            vectors[batch] = _encode(teacher, [words[index] for index in batch])
    frequency = np.exp(-idf)
    vectors -= (frequency / frequency.sum()) @ vectors
    _, _, axes = np.linalg.svd(vectors, full_matrices=False)
    kept = axes[:dim]
    rows = np.zeros((len(words), dim))
    rows[:, : len(kept)] = vectors @ kept.T
    return torch.from_numpy(rows).float()


def _encode(encoder: Backbone, words: list[str]) -> NDArray[np.float64]:
    vectors = encoder.encode(words, role="passage").double().cpu().numpy()
    return cast("NDArray[np.float64]", vectors)
