"""The network: an encoder of transformers, linear maps of its token states, and language adapters where it has some."""

from __future__ import annotations

from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from harness.encoders import pretrained
from harness.errors import UsageError
from harness_late_interaction.checkpoint import Layout, Projection


class Network(nn.Module):
    """Token ids to token vectors, not yet normalised."""

    def __init__(self, layout: Layout) -> None:
        """Load everything that `layout` names, in float32. Raises UsageError for what cannot be loaded."""
        super().__init__()
        self.backbone: Any = pretrained.load_model(layout.encoder)
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
        """How many tokens the encoder takes; None where its positions have no end."""
        return pretrained.positions(self.backbone)

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
