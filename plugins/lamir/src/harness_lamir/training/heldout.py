"""Held-out translations: taken out of training, to ask whether a sentence finds its own among all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from harness_lamir.backbones.base import Backbone
from harness_lamir.data.loading import Streams
from harness_lamir.data.rows import Row, Translation, texts_of
from harness_lamir.recipe import Recipe
from harness_lamir.training.distributed import ALONE, Group
from harness_lamir.training.modes import evaluation_mode
from harness_lamir.training.seeds import generator
from harness_lamir.training.step import key_of

__all__ = ["HeldOut", "hold_out", "translation_accuracy"]

_BATCH = 256  # texts, and rows of the score matrix, at a time


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Share of held-out sentences whose nearest neighbour is their translation, before and after training."""

    pairs: int
    before: float
    after: float


def hold_out(streams: Streams, recipe: Recipe) -> list[Translation]:
    """Take a recipe's `heldout_pairs` out of its first parallel stream; none where it has no such stream.

    Rows of other streams that hold both sides of one go too: a second parallel stream may read the same files, and a
    joined one makes rows of several languages of them. One side by itself, in a stream of texts, stays.

    Raises:
        UsageError: there are too few translations, or nothing else is left of another stream.
    """
    parallel = [stream for stream in streams.by_name.values() if stream.kind == "parallel"]
    if not recipe.heldout_pairs or not parallel:
        return []
    drawn = parallel[0].hold_out(generator(recipe.seed, "heldout"), recipe.heldout_pairs)
    rows = [row for row in drawn if isinstance(row, Translation)]
    pairs = {(row.english, row.other) for row in rows}
    others = {row.other for row in rows}

    def holds_one(row: Row) -> bool:
        texts = texts_of(row)
        return any((english, other) in pairs for other in others.intersection(texts) for english in texts)

    for stream in streams.by_name.values():
        once = stream is parallel[0] and recipe.deduplicate  # what was taken of it, it had once
        if stream.kind in ("parallel", "multiway", "triplet") and not once:
            stream.leave_out(holds_one)
    return rows


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
