"""Accuracy on held-out translations: does a sentence find its own translation among all of them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from harness_lamir.backbones.base import Backbone
from harness_lamir.data.rows import Translation
from harness_lamir.training.distributed import ALONE, Group
from harness_lamir.training.modes import evaluation_mode
from harness_lamir.training.step import key_of

__all__ = ["HeldOut", "translation_accuracy"]

_BATCH = 256  # texts, and rows of the score matrix, at a time


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Share of held-out sentences whose nearest neighbour is their translation, before and after training."""

    pairs: int
    before: float
    after: float


def translation_accuracy(backbone: Backbone, pairs: Sequence[Translation], group: Group = ALONE) -> float:
    """The share of sentences whose nearest neighbour on the other side is their own translation.

    Both directions count alike, as in Artetxe and Schwenk's Tatoeba test (TACL 2019). A sentence that occurs twice is
    right for each of its translations. 0.0 if there are no pairs.
    """
    if not pairs:
        return 0.0
    sides = [([pair.english for pair in pairs], ["en"] * len(pairs))]
    sides.append(([pair.other for pair in pairs], [pair.language for pair in pairs]))
    with torch.inference_mode(), evaluation_mode(backbone):
        english, other = (_encode(backbone, texts, languages, group) for texts, languages in sides)  # (P, D) each
        keys = [torch.tensor([key_of(text) for text in texts], device=english.device) for texts, _ in sides]
    return (_found(english, other, keys) + _found(other, english, keys)) / 2


def _encode(backbone: Backbone, texts: list[str], languages: list[str], group: Group) -> Tensor:
    """Encode texts in batches of like lengths: (len(texts), D)."""
    lengths = backbone.lengths(texts)
    order = sorted(range(len(texts)), key=lambda position: -lengths[position])
    vectors = torch.empty(len(texts), backbone.dim, device=backbone.device)
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        with group.autocast():
            encoded = backbone.encode(
                [texts[i] for i in batch], role="passage", languages=[languages[i] for i in batch]
            )
        vectors[torch.tensor(batch, device=vectors.device)] = encoded.to(vectors.dtype)
    return vectors


def _found(queries: Tensor, passages: Tensor, keys: Sequence[Tensor]) -> float:
    """The share of queries (P, D) that find the row of a pair with one side in common with theirs.

    `keys` holds those of both sides, (P,) int64 each.
    """
    right = 0
    for start in range(0, len(queries), _BATCH):
        nearest = (queries[start : start + _BATCH] @ passages.T).argmax(dim=1)  # (B,)
        same = [side[nearest] == side[start : start + _BATCH] for side in keys]  # 2 × (B,)
        right += int((same[0] | same[1]).sum())
    return right / len(queries)
