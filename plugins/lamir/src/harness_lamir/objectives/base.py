"""What an objective is: rows in, texts to encode out; vectors in, a loss out.

The trainer draws rows, asks every objective which texts it wants encoded, encodes each distinct text of the step once
(on several devices: its share of them, and gathers the rest), and hands the vectors back. An objective therefore never
meets a tokenizer, a device count or a gradient cache, and all of them work with every objective:

    rows = {"pairs": [Translation, …], "texts": [Text, …]}          what the streams gave, by slot
    asked = objective.texts(rows, rng)                              {"english": Texts, "other": Texts, …}
    loss = objective({name: View(vectors, keys, languages)})        a scalar

An objective is a torch module: parameters (a projection head) are trained with the backbone, buffers (a queue, a
memory bank) are saved with the training state, so that a run that resumes goes on exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from harness.encoders.protocols import Role
from harness.plugins import ObjectiveOptions

if TYPE_CHECKING:
    from harness_lamir.backbones.base import Backbone

__all__ = ["Objective", "Texts", "View"]


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts that an objective wants encoded, with the side they stand on and the language of each."""

    texts: Sequence[str]
    languages: Sequence[str]
    role: Role = "passage"


@dataclass(frozen=True, slots=True)
class View:
    """Encoded texts: `vectors` (N, D) float32 unit rows, `keys` (N,) int64, `languages` N codes.

    Two rows have one key exactly where their texts are equal but for case and spacing: what has the key of a positive
    is no negative.
    """

    vectors: Tensor
    keys: Tensor
    languages: tuple[str, ...]


class Objective(nn.Module):
    """Base class of objectives. A subclass implements `texts` and `forward`, the rest as needed.

    Args:
        options: the objective's own options, checked.
    """

    def __init__(self, options: ObjectiveOptions) -> None:
        """Keep the options."""
        super().__init__()
        self.options = options

    def attach(self, backbone: Backbone) -> None:
        """Make what depends on the backbone (heads, queues, a momentum copy); called once, before training."""

    def teacher(self, view: str) -> Backbone | None:
        """The frozen encoder for a view, which gets no gradient; None for the backbone that is trained."""
        return None

    def reads(self) -> Mapping[str, str]:
        """Name what the loss depends on beside options and rows, with a digest of each; a run resumes on the same."""
        return {}

    def texts(self, rows: Mapping[str, Sequence[Any]], rng: Random) -> Mapping[str, Texts]:
        """Name the texts to encode for `rows`, which are given by slot; `rng` is the only source of chance."""
        raise NotImplementedError

    def forward(self, views: Mapping[str, View]) -> Tensor:
        """Return the loss, a scalar mean, of the views that `texts` named."""
        raise NotImplementedError

    def after_step(self, backbone: Backbone) -> None:
        """Follow the backbone after an optimiser step (queues, momentum encoders)."""
