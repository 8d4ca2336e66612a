"""The dense layer that some sentence-transformers models (LaBSE, distiluse) put after pooling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from harness.errors import UsageError
from harness_lamir.backbones.locating import require_safetensors
from harness_lamir.backbones.sentence_files import read_json, write_json

__all__ = ["Dense"]

#: Activations by their names in configurations. A name is looked up here, never imported.
_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "torch.nn.modules.activation.Tanh": nn.Tanh,
    "torch.nn.modules.activation.ReLU": nn.ReLU,
    "torch.nn.modules.activation.GELU": nn.GELU,
    "torch.nn.modules.linear.Identity": nn.Identity,
}
_TANH = "torch.nn.modules.activation.Tanh"
_WEIGHTS = "model.safetensors"


class Dense(nn.Module):
    """activation(W x + b): (B, H) to (B, D).

    Args:
        inputs: H.
        outputs: D.
        bias: whether there is a b.
        activation: its full name, one of torch's.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True, activation: str = _TANH) -> None:
        """Draw the weights; see the class for the arguments. Raises UsageError on an unknown activation."""
        super().__init__()
        if activation not in _ACTIVATIONS:
            raise UsageError(f"dense layer: activation {activation!r} is not supported", ", ".join(_ACTIVATIONS))
        self.linear = nn.Linear(inputs, outputs, bias=bias)
        self.activation = activation
        self.activate = _ACTIVATIONS[activation]()

    def forward(self, vectors: Tensor) -> Tensor:
        """Transform (B, H) to (B, D)."""
        activated: Tensor = self.activate(self.linear(vectors))
        return activated

    @classmethod
    def load(cls, folder: Path) -> Dense:
        """Read a layer; raises UsageError on a missing or broken file, or a residual layer."""
        config: dict[str, Any] = read_json(folder / "config.json")
        require_safetensors(folder)
        if config.get("use_residual"):
            raise UsageError(f"{folder}: a dense layer with a residual is not supported")
        try:
            activation = config.get("activation_function", _TANH)
            layer = cls(
                config["in_features"],
                config["out_features"],
                bias=config.get("bias", True),
                activation=activation,
            )
            layer.load_state_dict(load_file(folder / _WEIGHTS))
        except (KeyError, TypeError, OSError, RuntimeError, SafetensorError) as error:
            raise UsageError(f"{folder}: is no dense layer of sentence-transformers: {error}") from error
        return layer

    def save(self, folder: Path) -> None:
        """Write `config.json` and the weights; a missing folder is made."""
        config = {
            "in_features": self.linear.in_features,
            "out_features": self.linear.out_features,
            "bias": self.linear.bias is not None,
            "activation_function": self.activation,
        }
        write_json(folder / "config.json", config)
        weights = {name: tensor.detach().float().cpu().contiguous() for name, tensor in self.state_dict().items()}
        save_file(weights, folder / _WEIGHTS)
