"""Loading an encoder with transformers, as backbones need it: safetensors in its own folder, and dropout as asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn
from transformers import PreTrainedModel

from harness.encoders import pretrained
from harness_lamir.backbones.locating import require_safetensors

__all__ = ["embedding_table", "load_model"]

#: Names under which configurations keep dropout probabilities. Those of classifiers are not ours.
_DROPOUTS = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "hidden_dropout", "dropout", "attention_dropout",
    "activation_dropout", "embedding_dropout", "mlp_dropout", "embd_pdrop", "resid_pdrop", "attn_pdrop", "dropout_rate",
    "pooler_dropout",
)  # fmt: skip


def load_model(folder: Path, *, dropout: float | None = None) -> PreTrainedModel:
    """Load an encoder in float32, in `eval` mode.

    Args:
        folder: configuration and safetensors weights.
        dropout: replaces the configuration's dropout probabilities; None keeps them.

    Raises:
        UsageError: the weights are pickled, or what `harness.encoders.pretrained.load_model` refuses.
    """
    if (folder / "config.json").is_file():  # else the loader tells: without it nothing says what the weights are of
        require_safetensors(folder)
    model = pretrained.load_model(folder, configure=lambda config: _set_dropout(config, dropout))
    return cast(PreTrainedModel, model)


def embedding_table(model: PreTrainedModel) -> Tensor:
    """Return the table of a model's input embeddings: (V, H)."""
    return cast(nn.Embedding, model.get_input_embeddings()).weight


def _set_dropout(config: Any, dropout: float | None) -> None:
    """Replace every dropout probability that a configuration has."""
    for name in _DROPOUTS:
        if dropout is not None and isinstance(getattr(config, name, None), int | float):
            setattr(config, name, dropout)
