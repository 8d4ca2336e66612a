"""The network: an encoder of transformers, linear maps of its token states, and a language adapter where it has some.

transformers draws missing weights at random and tells so in a warning; here they are an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging as _logging

from harness.errors import UsageError
from harness_late_interaction.checkpoint import Layout, Projection

#: Its functions have no annotations.
logging: Any = _logging


class Network(nn.Module):
    """Token ids to token vectors, not yet normalised."""

    def __init__(self, layout: Layout) -> None:
        """Load everything that `layout` names, in float32. Raises UsageError for what cannot be loaded."""
        super().__init__()
        self.backbone = _backbone(layout)
        self.maps = nn.ModuleList(_Map(projection) for projection in layout.projections)
        width = int(self.backbone.config.hidden_size)
        for projection, map_ in zip(layout.projections, self.maps, strict=True):
            linear = cast(_Map, map_).linear
            if linear.in_features != width:
                raise UsageError(
                    f"{projection.file}: linear.weight takes {linear.in_features} features, and gets {width}"
                )
            width = linear.out_features
        #: Components of a token vector.
        self.dim = width

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names of the language adapters of X-MOD, none for other architectures."""
        if self.backbone.config.model_type != "xmod":
            return ()
        return tuple(self.backbone.encoder.layer[0].output.adapter_modules)

    @property
    def positions(self) -> int | None:
        """How many tokens the encoder takes; None where its positions have no end.

        RoBERTa and its kin count positions from the padding id + 1, so that some of their table is never reached.
        """
        most = getattr(self.backbone.config, "max_position_embeddings", None)
        if not isinstance(most, int) or most <= 0:
            return None
        table = getattr(getattr(self.backbone, "embeddings", None), "position_embeddings", None)
        padding = table.padding_idx if isinstance(table, nn.Embedding) else None
        return most - (0 if padding is None else padding + 1)

    @property
    def vocabulary(self) -> int:
        """Rows of the table of input embeddings."""
        return int(self.backbone.get_input_embeddings().num_embeddings)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, adapter: int | None) -> Tensor:
        """`input_ids` (B, L) int64, `attention_mask` (B, L) bool, number of the adapter → vectors (B, L, dim)."""
        more = {}
        if adapter is not None:
            more["lang_ids"] = torch.full((len(input_ids),), adapter, device=input_ids.device)
        states = self.backbone(input_ids=input_ids, attention_mask=attention_mask.long(), **more).last_hidden_state
        for map_ in self.maps:
            states = map_(states)
        return cast(Tensor, states)


class _Map(nn.Module):
    """x ↦ Wx + b, with x or a linear map of it added where the checkpoint says so."""

    def __init__(self, projection: Projection) -> None:
        super().__init__()
        try:
            with safe_open(projection.file, framework="pt") as file:
                weight = file.get_tensor(projection.weight).float()
                bias = file.get_tensor(projection.bias).float() if projection.bias else None
                beside = file.get_tensor("residual.weight").float() if projection.residual == "linear" else None
        except (SafetensorError, OSError) as error:
            raise UsageError(f"{projection.file}: cannot be read: {error}") from error
        if weight.dim() != 2 or (projection.residual == "identity" and weight.shape[0] != weight.shape[1]):
            raise UsageError(f"{projection.file}: {projection.weight} has shape {tuple(weight.shape)}")
        self.linear = _linear(weight, bias)
        self.residual: nn.Module | None = nn.Identity() if projection.residual == "identity" else None
        if beside is not None:
            self.residual = _linear(beside, None)

    def forward(self, states: Tensor) -> Tensor:
        """(…, in) → (…, out)."""
        out: Tensor = self.linear(states)
        return out if self.residual is None else out + self.residual(states)


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    with torch.no_grad():
        linear.weight.copy_(weight)
        if bias is not None:
            linear.bias.copy_(bias)
    return linear


def load_tokenizer(layout: Layout) -> Any:
    """The tokenizer of a checkpoint, truncating at the right. Raises UsageError where there is none."""
    folder = layout.encoder
    if not any(path for name in ("tokenizer.json", "vocab.txt", "vocab.json", "*.model") for path in folder.glob(name)):
        raise UsageError(f"model {folder}: has no tokenizer", "Copy the whole folder of the model.")
    try:
        with _quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # tokenizers raises bare Exception
        raise UsageError(f"model {folder}: its tokenizer cannot be loaded: {error}") from error
    if not len(tokenizer):
        raise UsageError(f"model {folder}: its tokenizer has no tokens", "Copy the whole folder of the model.")
    tokenizer.truncation_side = "right"
    return tokenizer


def _backbone(layout: Layout) -> Any:
    """The encoder in float32. Raises UsageError for one that is broken, incomplete or no encoder."""
    folder = layout.encoder
    if not (folder / "config.json").is_file():
        raise UsageError(f"model {folder}: has no config.json", "Copy the whole folder of the model.")
    try:
        with _quiet():
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
            if getattr(config, "is_encoder_decoder", False):
                raise UsageError(f"model {folder}: {config.model_type} is an encoder–decoder, not an encoder")
            model, report = AutoModel.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
            )
    except UsageError:
        raise
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise UsageError(f"model {folder}: could not be loaded: {error}") from error
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name.split("."))
    if missing:
        shown = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise UsageError(
            f"model {folder}: its weights lack {len(missing)} of the architecture's, which would be random: {shown}",
            "config.json and *.safetensors come from different models, or a shard is missing.",
        )
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence transformers' bars and warnings; what matters of them is checked and raised here."""
    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
