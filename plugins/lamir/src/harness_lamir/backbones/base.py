"""What a backbone is: a torch module that turns texts into unit vectors and writes itself to a folder.

The trainer, the objectives and the encoder know backbones by this class alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from harness.encoders.protocols import Role

__all__ = ["Backbone", "Batch"]

#: A tokenized batch, on the CPU until `Backbone.forward` moves it: names to tensors.
Batch = Mapping[str, Tensor]


class Backbone(nn.Module, ABC):
    """Texts to unit vectors.

    A vector depends on the text, its role and (for backbones with language adapters) its language; never on the other
    texts of a batch or on padding.
    """

    #: Dimensions of a vector.
    dim: int
    #: Tokens beyond which a text is cut; None for no limit.
    max_tokens: int | None = None
    #: Tokens of a batch, padding included, that an encoder may give it at once where nobody says otherwise.
    batch_tokens: int = 16_384

    @abstractmethod
    def tokenize(self, texts: Sequence[str], *, role: Role, languages: Sequence[str] | None = None) -> Batch:
        """Turn texts into a batch; `languages` holds one code for each text, or is None where unknown."""

    @abstractmethod
    def forward(self, batch: Batch) -> Tensor:
        """Encode a batch on the device of the weights: (B, D) float32 vectors of unit length."""

    @abstractmethod
    def lengths(self, texts: Sequence[str]) -> list[int]:
        """About how much each text costs (tokens), cheaply: the trainer sorts chunks by it."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write weights (safetensors), configuration and vocabulary into a folder that exists.

        The folder then loads with `transformers`, with `sentence-transformers` and with `backbones.load_backbone`.
        """

    def encode(self, texts: Sequence[str], *, role: Role, languages: Sequence[str] | None = None) -> Tensor:
        """Tokenize and encode, with gradients if they are enabled: (len(texts), D)."""
        return self(self.tokenize(texts, role=role, languages=languages))  # type: ignore[no-any-return]

    def parts(self, batch: Batch, size: int) -> list[tuple[list[int], Batch]]:
        """Cut a batch of `size` texts into parts that are cheaper to encode one after another than at once.

        Returns:
            The rows of each part, and the part; every row is in one of them. By default the batch as it is: only a
            backbone that computes on padding can save any.
        """
        return [(list(range(size)), batch)]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device
