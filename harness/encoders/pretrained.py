"""Loading an encoder and its tokenizer with transformers: safetensors only, no code of theirs, nothing left random.

transformers itself is lenient: weights that are missing are drawn at random, a missing tokenizer may come out empty,
and both are told in a warning. Here they are errors. The library is imported on use: `lamir-harness[torch]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import UsageError

__all__ = ["load_model", "load_tokenizer", "positions", "quiet_transformers"]

#: Any of them makes a tokenizer.
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
_COPY = "Copy the whole folder of the model."


def load_model(folder: Path, *, configure: Callable[[Any], None] | None = None) -> Any:
    """The encoder (a `PreTrainedModel`) in `folder`, in float32 and in `eval` mode.

    `configure` is called with the configuration before the model is made of it, and may change it.

    Raises UsageError when a file is missing or broken, when the weights do not fit the configuration, and when the
    architecture is unknown, needs code of its own, or is an encoder–decoder: which half makes the vector would be a
    guess. Whether there are safetensors at all is for `harness.encoders.weights.require_safetensors`.
    """
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModel

    if not (folder / "config.json").is_file():
        raise UsageError(f"model {folder}: has no config.json", _COPY)
    try:
        with quiet_transformers():
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
            if getattr(config, "is_encoder_decoder", False):
                raise UsageError(
                    f"model {folder}: {config.model_type} is an encoder–decoder",
                    "Name an encoder: BERT, XLM-R, XMOD, ModernBERT, …",
                )
            if configure is not None:
                configure(config)
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
            "config.json and *.safetensors come from different models, or a shard is missing.",
        )
    return model.eval()


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer (a `PreTrainedTokenizerBase`) in `folder`, which pads and truncates at the right.

    Raises UsageError when there is none, or it cannot be read.
    """
    from transformers import AutoTokenizer

    if not any(path for pattern in _VOCABULARIES for path in folder.glob(pattern)):
        raise UsageError(f"model {folder}: has no tokenizer ({', '.join(_VOCABULARIES)})", _COPY)
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # tokenizers raises bare Exception
        raise UsageError(f"model {folder}: its tokenizer cannot be loaded: {error}") from error
    if not len(tokenizer):
        raise UsageError(f"model {folder}: its tokenizer has no tokens", _COPY)
    tokenizer.padding_side = tokenizer.truncation_side = "right"
    return tokenizer


def positions(model: Any) -> int | None:
    """How many tokens a model takes; None where its positions have no end.

    RoBERTa and its kin count positions from the padding id + 1, so that some of their table is never reached.
    """
    most = getattr(model.config, "max_position_embeddings", None)
    if not isinstance(most, int) or most <= 0:
        return None
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return most - (0 if padding is None else int(padding) + 1)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers' bars and warnings inside the block: what matters of them is to be checked and raised."""
    from transformers.utils import logging as theirs

    logging: Any = theirs  # its functions have no annotations
    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
