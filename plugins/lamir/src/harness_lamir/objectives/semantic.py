"""semaCL: a sentence finds its translation (Hu et al., Findings of ACL 2023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from torch import Tensor

from harness_lamir.data.rows import Translation
from harness_lamir.losses import semantic_loss
from harness_lamir.objectives.base import Objective, Texts, View
from harness_lamir.objectives.equality import same
from harness_lamir.objectives.options import SemanticOptions

__all__ = ["Semantic", "both_sides"]


def both_sides(pairs: Sequence[Translation]) -> dict[str, Texts]:
    """Name the two sides of translations as the views `english` and `other`."""
    return {
        "english": Texts([pair.english for pair in pairs], ["en"] * len(pairs)),
        "other": Texts([pair.other for pair in pairs], [pair.language for pair in pairs]),
    }


class Semantic(Objective):
    """InfoNCE over translations, in both directions. Pairs that share a text are no negatives of one another."""

    options: SemanticOptions

    def texts(self, rows: Mapping[str, Sequence[Translation]], rng: Random) -> Mapping[str, Texts]:
        """Name both sides."""
        return both_sides(rows["pairs"])

    def forward(self, views: Mapping[str, View]) -> Tensor:
        """Return the mean loss of the 2N sentences."""
        english, other = views["english"], views["other"]
        across = same(english.keys, other.keys)
        duplicates = same(english.keys, english.keys) | same(other.keys, other.keys) | across | across.T
        return semantic_loss(
            english.vectors,
            other.vectors,
            self.options.temperature,
            pool=self.options.pool,
            duplicates=duplicates,
        )
