"""Loading an encoder and its tokenizer with transformers: safetensors only, no code of theirs, nothing left random.

transformers itself is lenient: weights that are missing are drawn at random, a missing tokenizer may come out empty,
and both are told in a warning. Here they are errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from harness.errors import UsageError
from harness_lamir.backbones.locating import require_safetensors
from harness_lamir.backbones.quiet import quiet_transformers

__all__ = ["embedding_table", "load_model", "load_tokenizer", "positions"]

#: Any of them makes a tokenizer.
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
#: Names under which configurations keep dropout probabilities. Those of classifiers are not ours.
_DROPOUTS = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "hidden_dropout", "dropout", "attention_dropout",
    "activation_dropout", "embedding_dropout", "mlp_dropout", "embd_pdrop", "resid_pdrop", "attn_pdrop", "dropout_rate",
    "pooler_dropout",
)  # fmt: skip
_COPY = "Copy the whole folder of the model."


def load_model(folder: Path, *, dropout: float | None = None) -> PreTrainedModel:
    """Load an encoder in float32, in `eval` mode.

    Args:
        folder: configuration and safetensors weights.
        dropout: replaces the configuration's dropout probabilities; None keeps them.

    Raises:
        UsageError: a file is missing or broken, the weights are pickled or do not fit the configuration, the
            architecture is unknown or needs code of its own, or it is no encoder.
    """
    if not (folder / "config.json").is_file():
        raise UsageError(f"model {folder}: has no config.json", hint=_COPY)
    require_safetensors(folder)
    try:
        with quiet_transformers():
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
            _check_encoder(config, folder)
            _set_dropout(config, dropout)
            model, report = AutoModel.from_pretrained(
                folder,
                config=config,
                dtype="float32",
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
            )
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise UsageError(f"model {folder}: cannot be loaded: {error}") from error
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name.split("."))
    if missing:
        shown = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise UsageError(
            f"model {folder}: its weights lack {len(missing)} of the architecture's, which would be random: {shown}",
            hint="config.json and *.safetensors come from different models, or a shard is missing.",
        )
    return model.eval()  # type: ignore[no-any-return]


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Load a tokenizer that pads and truncates at the right.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    if not any(path for pattern in _VOCABULARIES for path in folder.glob(pattern)):
        raise UsageError(f"model {folder}: has no tokenizer ({', '.join(_VOCABULARIES)})", hint=_COPY)
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # tokenizers raises bare Exception
        raise UsageError(f"model {folder}: its tokenizer cannot be loaded: {error}") from error
    if not len(tokenizer):
        raise UsageError(f"model {folder}: its tokenizer has no tokens", hint=_COPY)
    tokenizer.padding_side = tokenizer.truncation_side = "right"
    return tokenizer


def embedding_table(model: PreTrainedModel) -> Tensor:
    """Return the table of a model's input embeddings: (V, H)."""
    return cast(nn.Embedding, model.get_input_embeddings()).weight


def positions(model: PreTrainedModel) -> int | None:
    """Return how many tokens a model takes; None where its positions have no end.

    RoBERTa and its kin count positions from the padding id + 1, so that some of their table is never reached.
    """
    most = getattr(model.config, "max_position_embeddings", None)
    if not isinstance(most, int) or most <= 0:
        return None
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = table.padding_idx if isinstance(table, nn.Embedding) else None
    return most - (0 if padding is None else padding + 1)


def _check_encoder(config: Any, folder: Path) -> None:
    """Refuse encoder–decoder models: which half makes the vector would be a guess."""
    if getattr(config, "is_encoder_decoder", False):
        raise UsageError(
            f"model {folder}: {config.model_type} is an encoder–decoder",
            hint="Name an encoder: BERT, XLM-R, XMOD, ModernBERT, …",
        )


def _set_dropout(config: Any, dropout: float | None) -> None:
    """Replace every dropout probability that a configuration has."""
    for name in _DROPOUTS:
        if dropout is not None and isinstance(getattr(config, name, None), int | float):
            setattr(config, name, dropout)
