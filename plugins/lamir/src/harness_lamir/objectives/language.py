"""langCL: a text is equally far from both sides of a translation (Hu et al., Findings of ACL 2023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from torch import Tensor

from harness_lamir.losses import language_loss
from harness_lamir.objectives.base import Objective, Texts, View
from harness_lamir.objectives.options import LanguageOptions
from harness_lamir.objectives.semantic import both_sides

__all__ = ["Language"]


class Language(Objective):
    """Every text of one stream against every translation of another. One vector for all texts minimises it too."""

    options: LanguageOptions

    def texts(self, rows: Mapping[str, Sequence[Any]], rng: Random) -> Mapping[str, Texts]:
        """Name both sides of the translations, and the texts."""
        texts = rows["texts"]
        return {
            **both_sides(rows["pairs"]),
            "texts": Texts([row.text for row in texts], [row.language for row in texts]),
        }

    def forward(self, views: Mapping[str, View]) -> Tensor:
        """Return the mean loss over all combinations of a text and a translation."""
        return language_loss(
            views["texts"].vectors, views["english"].vectors, views["other"].vectors, self.options.temperature
        )
