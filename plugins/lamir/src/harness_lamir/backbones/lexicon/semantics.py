"""Start the semantic rows where an English teacher puts the words: distillation without a step of training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness_lamir.backbones.base import Backbone
from harness_lamir.backbones.building import load_backbone
from harness_lamir.backbones.locating import locate

__all__ = ["stem_rows"]

_BATCH = 256


def stem_rows(teacher: str, words: Sequence[str], idf: NDArray[np.float64], dim: int) -> Tensor:
    """Return rows (len(words), dim) float32 whose dot products follow a teacher's vectors of the words.

    The mean over running text, in which common words come often, is taken out: it is what all vectors share. Of what
    is left the `dim` principal components are kept.

    Args:
        teacher: a folder, or a hub id with its commit (`owner/name@commit`).
        words: the words, as texts of their own.
        idf: (len(words),) their inverse document frequencies.
        dim: dimensions, at most the teacher's.

    Raises:
        UsageError: the teacher cannot be loaded.
    """
    encoder = load_backbone(Path(locate(teacher, None, where="backbone.teacher"))).eval()
    order = sorted(range(len(words)), key=lambda index: len(words[index]))
    vectors = np.zeros((len(words), encoder.dim))
    with torch.inference_mode():
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            vectors[batch] = _encode(encoder, [words[index] for index in batch])
    frequency = np.exp(-idf)
    vectors -= (frequency / frequency.sum()) @ vectors
    _, _, axes = np.linalg.svd(vectors, full_matrices=False)
    return torch.from_numpy(vectors @ axes[:dim].T).float()


def _encode(encoder: Backbone, words: list[str]) -> NDArray[np.float64]:
    vectors = encoder.encode(words, role="passage").double().cpu().numpy()
    return cast("NDArray[np.float64]", vectors)
