"""L_IR: a question finds its passage (Hu et al., Findings of ACL 2023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import torch
from torch import Tensor

from harness_lamir.data.rows import Pair
from harness_lamir.losses import info_nce
from harness_lamir.objectives.base import Objective, Texts, View
from harness_lamir.objectives.equality import answers
from harness_lamir.objectives.options import IrOptions

__all__ = ["Ir"]


class Ir(Objective):
    """InfoNCE of questions against the passages of the batch and the hard negatives of all its rows.

    A passage that answers a question is no negative of it: neither the passage of an equal question, nor a hard
    negative with the text of either. Rows may have different numbers of hard negatives.
    """

    options: IrOptions

    def texts(self, rows: Mapping[str, Sequence[Pair]], rng: Random) -> Mapping[str, Texts]:
        """Name questions, their passages and, where rows have any, hard negatives."""
        pairs = rows["pairs"]
        languages = [pair.language for pair in pairs]
        asked = {
            "queries": Texts([pair.query for pair in pairs], languages, "query"),
            "passages": Texts([pair.positive for pair in pairs], languages),
        }
        most = self.options.hard_negatives
        negatives: list[str] = []
        spoken: list[str] = []
        for pair in pairs:
            drawn = pair.negatives
            if most is not None and len(drawn) > most:
                drawn = tuple(rng.sample(drawn, most))
            negatives += drawn
            spoken += [pair.language] * len(drawn)
        if negatives:
            asked["negatives"] = Texts(negatives, spoken)
        return asked

    def forward(self, views: Mapping[str, View]) -> Tensor:
        """Return the mean loss of the questions."""
        queries, positives = views["queries"], views["passages"]
        vectors, keys = positives.vectors, positives.keys
        if "negatives" in views:
            vectors = torch.cat([vectors, views["negatives"].vectors])
            keys = torch.cat([keys, views["negatives"].keys])
        exclude = answers(queries.keys, positives.keys, keys)
        return info_nce(queries.vectors, vectors, self.options.temperature, exclude=exclude)
