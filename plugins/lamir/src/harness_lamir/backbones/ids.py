"""Backbones that read rows of ids, which all of ours do: one way in for the trainer, another for the encoder.

The trainer calls `tokenize` and `forward`, as with every backbone. The encoder (`harness.encoders.base.TorchEncoder`)
sorts and pads rows of ids itself, so it asks for the `ids` of texts and for the `vectors` of a padded batch.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from harness.encoders.protocols import Role
from harness.encoders.text import without_surrogates
from harness_lamir.backbones.base import Backbone, Batch

__all__ = ["IdBackbone", "like_lengths", "pad_rows"]

_BYTES_PER_TOKEN = 5  # of UTF-8, about the same in all scripts: four letters of English, two ideographs


class IdBackbone(Backbone):
    """A backbone whose input is ids. A subclass implements `ids`, `vectors` and `save`."""

    #: Id that fills short rows; it is masked.
    pad_id: int = 0
    #: Text put before every input of a role.
    prompts: Mapping[Role, str] = {}
    #: Whether a vector depends on the language of its text.
    language_aware: bool = False

    @abstractmethod
    def ids(self, texts: Sequence[str]) -> list[Sequence[int]]:
        """Ids of each text, cut at `max_tokens`; the texts hold their prompts and no lone surrogates."""

    @abstractmethod
    def vectors(
        self, input_ids: Tensor, attention_mask: Tensor, languages: Sequence[str | None] | None = None
    ) -> Tensor:
        """Encode (B, L) int64 ids and (B, L) bool mask, true at tokens, to (B, D) unit vectors.

        `languages` holds B codes (None for an unknown one); only language-aware backbones read it.
        """

    def prompted(self, texts: Sequence[str], role: Role) -> list[str]:
        """Put the role's prompt before each text, and replace lone surrogates, which no tokenizer takes."""
        prompt = self.prompts.get(role, "")
        return [without_surrogates(prompt + text) for text in texts]

    def tokenize(self, texts: Sequence[str], *, role: Role, languages: Sequence[str] | None = None) -> Batch:
        """Turn texts into `input_ids` (B, L) int64 and `attention_mask` (B, L) bool."""
        return pad_rows(self.ids(self.prompted(texts, role)), self.pad_id)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Estimate tokens from the bytes of a text: tokenizing twice would cost more than good sorting saves."""
        limit = self.max_tokens or 2**31
        return [min(limit, 2 + len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN) for text in texts]

    def forward(self, batch: Batch) -> Tensor:
        """Encode a batch on the device of the weights: (B, D) float32 unit vectors."""
        device = self.device
        return self.vectors(batch["input_ids"].to(device), batch["attention_mask"].to(device)).float()


def pad_rows(rows: Sequence[Sequence[int]], pad_id: int) -> dict[str, Tensor]:
    """Return rows of ids side by side: `input_ids` (B, L) int64, padded at the right, and `attention_mask` bool."""
    longest = max([1, *map(len, rows)])
    input_ids = torch.full((len(rows), longest), pad_id, dtype=torch.int64)
    mask = torch.zeros((len(rows), longest), dtype=torch.bool)
    for i, row in enumerate(rows):
        input_ids[i, : len(row)] = torch.as_tensor(row, dtype=torch.int64)
        mask[i, : len(row)] = True
    return {"input_ids": input_ids, "attention_mask": mask}


def like_lengths(lengths: Sequence[int], call: int) -> list[list[int]]:
    """Cut a batch where the padding that is saved outweighs one more call.

    Sorted by length, a run of texts is cut in two where that saves most, and the halves again, until no cut saves more
    than `call` padded tokens.

    Args:
        lengths: tokens of each text.
        call: the cost of a call, in tokens.

    Returns:
        Positions in `lengths`, each once, the longest texts first; in one run, and in their own order, where nothing
        is cut.
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    runs: list[list[int]] = []
    waiting = [(0, len(order))]
    while waiting:
        start, end = waiting.pop()
        saved, cut = max(
            (((end - at) * (lengths[order[start]] - lengths[order[at]]), at) for at in range(start + 1, end)),
            default=(0, end),
        )
        if saved > call:
            waiting += [(cut, end), (start, cut)]  # the longer texts come off first
        else:
            runs.append(order[start:end])
    return runs if len(runs) > 1 else [list(range(len(lengths)))]
