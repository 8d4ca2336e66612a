"""Alignment by Jensen-Shannon distance, with InfoNCE from English questions (Hong et al., 2026)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from torch import Tensor

from harness_lamir.data.rows import Triplet
from harness_lamir.losses import info_nce, js_distance
from harness_lamir.objectives.base import Objective, Texts, View
from harness_lamir.objectives.equality import answers
from harness_lamir.objectives.options import JsdOptions

__all__ = ["Jsd"]


class Jsd(Objective):
    """`distance_weight` · √JSD(softmax z_en ‖ softmax z_x) + InfoNCE(q_en, p_x).

    z_en and z_x are the vectors of a passage in English and in another language, divided by `vector_temperature`: the
    softmax of a unit vector is nearly flat. The English question looks for the passage in the other language.
    """

    options: JsdOptions

    def texts(self, rows: Mapping[str, Sequence[Triplet]], rng: Random) -> Mapping[str, Texts]:
        """Name the questions and both passages."""
        triplets = rows["triplets"]
        english = ["en"] * len(triplets)
        return {
            "queries": Texts([row.query for row in triplets], english, "query"),
            "english": Texts([row.english for row in triplets], english),
            "other": Texts([row.other for row in triplets], [row.language for row in triplets]),
        }

    def forward(self, views: Mapping[str, View]) -> Tensor:
        """Return the sum of the two parts, each a mean over the triplets."""
        queries, english, other = views["queries"], views["english"], views["other"]
        # Other's passages answer a question too if they translate an English passage that does.
        exclude = answers(queries.keys, other.keys, other.keys) | answers(queries.keys, english.keys, english.keys)
        found = info_nce(queries.vectors, other.vectors, self.options.temperature, exclude=exclude)
        scale = self.options.vector_temperature
        distance = js_distance(english.vectors / scale, other.vectors / scale)
        return found + self.options.distance_weight * distance
