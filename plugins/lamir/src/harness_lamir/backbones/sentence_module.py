"""Our own static backbones as a module of sentence-transformers, which asks for a torch module with these methods.

`modules.json` names the class below. From version 6 on, sentence-transformers imports classes of other packages only
when told to:

    SentenceTransformer(folder, trust_remote_code=True)

No code of the folder runs: there is none. The flag allows the import of this installed module.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.encoders.text import without_surrogates
from harness_lamir.backbones.building import load_backbone
from harness_lamir.backbones.ids import IdBackbone, pad_rows

__all__ = ["SentenceBackbone"]


class SentenceBackbone(nn.Module):
    """Texts to unit vectors under the key `sentence_embedding`."""

    save_in_root = True
    modalities = ("text",)

    def __init__(self, backbone: IdBackbone) -> None:
        """Keep the backbone."""
        super().__init__()
        self.backbone = backbone
        self.tokenizer = None
        self.max_seq_length = backbone.max_tokens

    def preprocess(self, inputs: list[str], prompt: str | None = None, **_: Any) -> dict[str, Tensor]:
        """Turn texts into (B, L) `input_ids` and `attention_mask`."""
        texts = [without_surrogates((prompt or "") + text) for text in inputs]
        return pad_rows(self.backbone.ids(texts), self.backbone.pad_id)

    def tokenize(self, texts: list[str], **_: Any) -> dict[str, Tensor]:
        """Do the same under the name that versions before 6 call."""
        return self.preprocess(texts)

    def forward(self, features: dict[str, Tensor], **_: Any) -> dict[str, Tensor]:
        """Add `sentence_embedding`: (B, D)."""
        mask = features["attention_mask"].to(torch.bool)
        return {**features, "sentence_embedding": self.backbone.vectors(features["input_ids"], mask)}

    def get_embedding_dimension(self) -> int:
        """Return D."""
        return self.backbone.dim

    get_sentence_embedding_dimension = get_embedding_dimension  # the name before version 6

    def save(self, output_path: str, *_: Any, **__: Any) -> None:
        """Write the backbone."""
        self.backbone.save(Path(output_path))

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **_: Any) -> SentenceBackbone:
        """Read a local folder."""
        backbone = load_backbone(Path(model_name_or_path) / subfolder)
        if not isinstance(backbone, IdBackbone):
            raise TypeError(f"{type(backbone).__name__} is no backbone of ids")
        return cls(backbone)
