"""Two random crops of one text find each other (mContriever: Izacard et al., TMLR 2022).

With a queue it is MoCo (He et al., CVPR 2020): a second encoder, which follows the trained one slowly, gives the keys,
and its keys of earlier steps are further negatives.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from harness_lamir.data.rows import Text
from harness_lamir.losses import moco
from harness_lamir.objectives.base import Objective, Texts, View
from harness_lamir.objectives.crops import crop_twice
from harness_lamir.objectives.equality import same
from harness_lamir.objectives.options import CroppingOptions
from harness_lamir.objectives.queues import Queue

if TYPE_CHECKING:
    from harness_lamir.backbones.base import Backbone

__all__ = ["Cropping", "follow"]


@torch.no_grad()
def follow(slow: Backbone, fast: Backbone, momentum: float) -> None:
    """Move the weights of a momentum encoder: θ_slow ← momentum · θ_slow + (1 − momentum) · θ_fast.

    Floating-point weights only; buffers are copied.
    """
    for mine, theirs in zip(slow.parameters(), fast.parameters(), strict=True):
        mine.mul_(momentum).add_(theirs.to(mine), alpha=1 - momentum)
    for kept, new in zip(slow.buffers(), fast.buffers(), strict=True):
        kept.copy_(new)


class Cropping(Objective):
    """InfoNCE between two crops of each text, with in-batch negatives and, if `queue` is positive, queued ones.

    Crops that are equal are no negatives of one another. A text that is drawn again while its old crops are queued is
    not recognised.
    """

    options: CroppingOptions

    def __init__(self, options: CroppingOptions) -> None:
        """Without a momentum encoder, until a backbone is attached."""
        super().__init__(options)
        self.momentum: Backbone | None = None
        self.queue: Queue | None = None
        self._fresh: Tensor | None = None  # this step's keys, queued once the optimiser has stepped

    def attach(self, backbone: Backbone) -> None:
        """Copy the backbone and make the queue, if there is to be one."""
        if self.options.queue:
            self.momentum = copy.deepcopy(backbone).requires_grad_(False).eval()
            self.queue = Queue(self.options.queue, backbone.dim).to(backbone.device)

    def teacher(self, view: str) -> Backbone | None:
        """The keys are the momentum encoder's."""
        return self.momentum if view == "keys" else None

    def train(self, mode: bool = True) -> Self:
        """Switch all but the momentum encoder, which never drops anything out."""
        super().train(mode)
        if self.momentum is not None:
            self.momentum.eval()
        return self

    def texts(self, rows: Mapping[str, Sequence[Text]], rng: Random) -> Mapping[str, Texts]:
        """Name the first crops as queries and the second as keys."""
        options = self.options
        crops = [
            crop_twice(row.text, rng, shortest=options.shortest, longest=options.longest, window=options.window)
            for row in rows["texts"]
        ]
        languages = [row.language for row in rows["texts"]]
        return {
            "queries": Texts([first for first, _ in crops], languages, "query"),
            "keys": Texts([second for _, second in crops], languages),
        }

    def forward(self, views: Mapping[str, View]) -> Tensor:
        """Return the mean loss of the first crops."""
        queries, keys = views["queries"], views["keys"]
        queue = keys.vectors[:0] if self.queue is None else self.queue.contents()
        alike = same(queries.keys, queries.keys) | same(keys.keys, keys.keys) | same(queries.keys, keys.keys)
        exclude = torch.nn.functional.pad(alike, (0, len(queue)))  # nothing queued is excluded
        if self.queue is not None and self.training:
            self._fresh = keys.vectors.detach()
        return moco(queries.vectors, keys.vectors, queue, self.options.temperature, exclude=exclude)

    def after_step(self, backbone: Backbone) -> None:
        """Queue the keys of this step and let the momentum encoder follow."""
        if self.queue is None or self.momentum is None:
            return
        if self._fresh is not None:
            self.queue.push(self._fresh)
            self._fresh = None
        follow(self.momentum, backbone, self.options.momentum)
