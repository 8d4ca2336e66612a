"""Similarities within the batch follow those that a teacher finds between the English sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness_lamir.data.rows import Translation
from harness_lamir.losses import distillation
from harness_lamir.objectives.base import Objective, Texts, View
from harness_lamir.objectives.options import DistilOptions
from harness_lamir.objectives.semantic import both_sides

if TYPE_CHECKING:
    from harness_lamir.backbones.base import Backbone

__all__ = ["Distil"]


class Distil(Objective):
    """Half the mean divergence of English rows, half that of the rows of the other language.

    An English sentence is compared with the other English sentences of the batch, and its translation with all of
    them, its own English side too: that is where a translation belongs. The teacher says what both should find. It
    reads English only, so that one without any other language will do.
    """

    options: DistilOptions

    def __init__(self, options: DistilOptions) -> None:
        """Without a teacher, until a backbone is attached."""
        super().__init__(options)
        # In a tuple, so that torch does not take it for a part: its weights are no part of the training state.
        self._teacher: tuple[Backbone, ...] = ()

    def attach(self, backbone: Backbone) -> None:
        """Load the teacher. Raises UsageError where it cannot be loaded."""
        self._teacher = (_load(self.options).requires_grad_(False).eval().to(backbone.device),)

    def reads(self) -> Mapping[str, str]:
        """The digest of the teacher's weights."""
        from harness_lamir.encoder import weights_fingerprint

        teacher = self.teacher("teacher")
        return {} if teacher is None else {"teacher": weights_fingerprint(teacher)}

    def teacher(self, view: str) -> Backbone | None:
        """The view `teacher` is the teacher's. Raises RuntimeError before `attach`: no student may teach itself."""
        if view != "teacher":
            return None
        if not self._teacher:
            raise RuntimeError("no teacher before attach()")
        return self._teacher[0]

    def texts(self, rows: Mapping[str, Sequence[Translation]], rng: Random) -> Mapping[str, Texts]:
        """Name both sides, and the English one once more for the teacher."""
        sides = both_sides(rows["pairs"])
        return {**sides, "teacher": sides["english"]}

    def forward(self, views: Mapping[str, View]) -> Tensor:
        """Return the mean of the two divergences; the second alone for a single pair."""
        english, other, taught = (views[name].vectors for name in ("english", "other", "teacher"))
        options = self.options
        across = distillation(other, english, taught, taught, options.temperature, options.teacher_temperature)
        if len(english) == 1:
            return across
        itself = torch.eye(len(english), dtype=torch.bool, device=english.device)
        within = distillation(
            english, english, taught, taught, options.temperature, options.teacher_temperature, exclude=itself
        )
        return (within + across) / 2


def _load(options: DistilOptions) -> Backbone:
    """Load a teacher as its folder says: pooling, prompts and length are its own."""
    from harness_lamir.backbones.building import load_backbone
    from harness_lamir.backbones.locating import locate

    return load_backbone(locate(options.teacher, options.revision, where="distil.teacher"))
