"""1-to-K: an anchor and its translations into K languages find each other (Nie et al., KDD 2024)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import torch
from torch import Tensor

from harness_lamir.data.rows import Multiway
from harness_lamir.losses import one_to_k
from harness_lamir.objectives.base import Objective, Texts, View
from harness_lamir.objectives.equality import same
from harness_lamir.objectives.options import OneToKOptions

__all__ = ["OneToK"]


class OneToK(Objective):
    """The 1-to-K loss over multiway rows: one text of a row is the anchor, up to K others are its positives.

    A text is no negative of an anchor that it equals, nor of one that has an equal text or equals its own anchor.
    """

    options: OneToKOptions

    def texts(self, rows: Mapping[str, Sequence[Multiway]], rng: Random) -> Mapping[str, Texts]:
        """Name the anchors, and their positives as the views `positives_0`, `positives_1`, …

        Rows may differ in their number of languages. They are sorted by it, the longest first, so that each of these
        views belongs to the first anchors, in order, and the views alone tell which text is whose.
        """
        split = sorted((self._split(row, rng) for row in rows["texts"]), key=lambda parts: -len(parts[1]))
        anchors = [anchor for anchor, _ in split]
        asked = {"anchors": Texts([text for text, _ in anchors], [language for _, language in anchors])}
        for k in range(len(split[0][1])):
            column = [positives[k] for _, positives in split if len(positives) > k]
            asked[f"positives_{k}"] = Texts([text for text, _ in column], [language for _, language in column])
        return asked

    def forward(self, views: Mapping[str, View]) -> Tensor:
        """Return the mean loss of the anchors."""
        anchors = views["anchors"]
        columns = [views[f"positives_{k}"] for k in range(len(views) - 1)]
        vectors = torch.cat([column.vectors for column in columns])  # (M, D)
        keys = torch.cat([column.keys for column in columns])  # (M,)
        every = torch.arange(len(anchors.keys), device=keys.device)
        owners = torch.cat([every[: len(column.keys)] for column in columns])  # (M,)
        # Anchors i and j mean the same if one of their texts does.
        alike = same(anchors.keys, anchors.keys)  # (N, N)
        equal = torch.zeros_like(alike, dtype=torch.int64)
        texts, others = same(keys, keys).nonzero(as_tuple=True)
        equal.index_put_((owners[texts], owners[others]), torch.ones_like(texts), accumulate=True)
        met = same(anchors.keys, keys)  # (N, M): an anchor's text stands among the positives of another
        anchor, text = met.nonzero(as_tuple=True)
        equal.index_put_((anchor, owners[text]), torch.ones_like(text), accumulate=True)
        alike = alike | (equal > 0) | (equal > 0).T
        return one_to_k(anchors.vectors, vectors, owners, self.options.temperature, exclude=alike[:, owners])

    def _split(self, row: Multiway, rng: Random) -> tuple[tuple[str, str], list[tuple[str, str]]]:
        """Return a row's anchor and its positives, each a text and its language; of too many, as many as `k`."""
        pairs = list(zip(row.texts, row.languages, strict=True))
        at = row.languages.index(self.options.anchor) if self.options.anchor in row.languages else 0
        anchor = pairs.pop(at)
        if self.options.k is not None and len(pairs) > self.options.k:
            pairs = rng.sample(pairs, self.options.k)
        return anchor, pairs
