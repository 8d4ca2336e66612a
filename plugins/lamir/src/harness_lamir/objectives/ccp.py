"""Contrastive context prediction (CCP): a sentence finds one of its context (Wu et al., IJCAI 2022)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness_lamir.data.rows import Document
from harness_lamir.losses import context_loss
from harness_lamir.objectives.base import Objective, Texts, View
from harness_lamir.objectives.equality import same
from harness_lamir.objectives.options import CcpOptions
from harness_lamir.objectives.queues import LanguageBanks

if TYPE_CHECKING:
    from harness_lamir.backbones.base import Backbone

__all__ = ["AsymmetricHead", "Ccp"]


class AsymmetricHead(nn.Module):
    """A projection head whose batch norm sees the batch on one side alone.

    Linear, batch norm, ReLU, linear, unit length. Centres are normalised by the statistics of the batch, and contexts
    by the running ones: were both normalised by those of their batch, which hold a little of every row, a centre could
    tell from them which batch its context is in. *Recalled* from Wu et al. (2022): that the sides differ in this way;
    the layers of the head are ours.

    Args:
        dim: dimensions of the backbone's vectors.
        width: dimensions of the head.
    """

    def __init__(self, dim: int, width: int) -> None:
        """Draw the weights."""
        super().__init__()
        self.lower = nn.Linear(dim, width, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.upper = nn.Linear(width, width)

    def forward(self, vectors: Tensor, *, batch_statistics: bool) -> Tensor:
        """Project (N, dim) vectors to (N, width) unit vectors; one row alone has no statistics."""
        hidden = self.lower(vectors)
        norm = self.norm
        hidden = F.batch_norm(
            hidden,
            norm.running_mean,
            norm.running_var,
            norm.weight,
            norm.bias,
            training=batch_statistics and self.training and len(vectors) > 1,
            momentum=0.1,
            eps=norm.eps,
        )
        return F.normalize(self.upper(F.relu(hidden)), dim=1)


class Ccp(Objective):
    """A sentence of each document and one at most `radius` away find each other, among those of their language.

    The bank keeps the pairs of earlier steps, for each language by itself, as further negatives. The calibration of
    vectors after training, which the paper adds, is no part of training and is not done here.
    """

    options: CcpOptions

    def __init__(self, options: CcpOptions) -> None:
        """Without a head and a bank, until a backbone is attached."""
        super().__init__(options)
        self.head: AsymmetricHead | None = None
        self.bank: LanguageBanks | None = None
        self._fresh: tuple[Tensor, tuple[str, ...]] | None = None

    def attach(self, backbone: Backbone) -> None:
        """Make the head and the bank."""
        width = self.options.head or backbone.dim
        if self.options.head:
            self.head = AsymmetricHead(backbone.dim, width).to(backbone.device)
        if self.options.bank:
            self.bank = LanguageBanks(self.options.bank, 2 * width).to(backbone.device)

    def texts(self, rows: Mapping[str, Sequence[Document]], rng: Random) -> Mapping[str, Texts]:
        """Draw a centre and a sentence of its context from every document."""
        centres, contexts = [], []
        for row in rows["documents"]:
            centre = rng.randrange(len(row.sentences))
            first = max(0, centre - self.options.radius)
            last = min(len(row.sentences) - 1, centre + self.options.radius)
            context = rng.choice([i for i in range(first, last + 1) if i != centre])
            centres.append(row.sentences[centre])
            contexts.append(row.sentences[context])
        languages = [row.language for row in rows["documents"]]
        return {"centres": Texts(centres, languages), "contexts": Texts(contexts, languages)}

    def forward(self, views: Mapping[str, View]) -> Tensor:
        """Return the mean loss of both directions."""
        centre, context = views["centres"], views["contexts"]
        centres, contexts = centre.vectors, context.vectors
        if self.head is not None:
            centres = self.head(centres, batch_statistics=True)
            contexts = self.head(contexts, batch_statistics=False)
        number = {language: i for i, language in enumerate(dict.fromkeys(centre.languages))}
        languages = torch.tensor([number[language] for language in centre.languages], device=centres.device)
        bank = None
        if self.bank is not None:
            kept = self.bank.contents(centre.languages)
            rows = torch.cat(list(kept.values()))  # (Q, 2 · width)
            spoken = torch.tensor([number[language] for language in kept for _ in kept[language]], dtype=torch.int64)
            old_centres, old_contexts = rows.to(centres).tensor_split(2, dim=1)
            bank = (old_centres, old_contexts, spoken.to(centres.device))
            if self.training:
                self._fresh = (torch.cat([centres, contexts], dim=1).detach(), centre.languages)
        across = same(centre.keys, context.keys)
        exclude = same(centre.keys, centre.keys) | same(context.keys, context.keys) | across | across.T
        return context_loss(centres, contexts, languages, self.options.temperature, bank=bank, exclude=exclude)

    def after_step(self, backbone: Backbone) -> None:
        """Keep the pairs of this step."""
        if self.bank is not None and self._fresh is not None:
            self.bank.push(*self._fresh)
            self._fresh = None
