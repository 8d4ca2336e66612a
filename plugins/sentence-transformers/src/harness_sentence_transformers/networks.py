"""Putting another runtime's network in the place of a model's transformer.

Only the network is replaced: tokenizer, pooling, dense layers and normalisation stay the library's. The library has
backends of its own, which need `optimum`; that does not go with the transformers this plugin is tested with.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness._util import fingerprint
from harness.encoders.protocols import FloatArray
from harness.errors import UsageError
from harness_sentence_transformers import carried
from harness_sentence_transformers.export import exported, quantized
from harness_sentence_transformers.runtimes import Runtime, open_runtime

#: Largest difference to torch's token states, as a part of the greatest of them, of a network that is the same one.
_SAME = 1e-3
_PROBE = ["A network is exported once.", "Twice."]
_PROBE_AGAIN = ["It has to give the same states for texts of another number and length, too.", "One.", "Two, three."]


class Network(nn.Module):
    """Stands where the library's Transformer module has its network, and looks enough like one.

    `one_by_one` runs each text by itself and without padding, so that nothing beside it can touch its vector.
    """

    def __init__(self, runtime: Runtime, config: Any, path: tuple[str, ...], *, one_by_one: bool) -> None:
        super().__init__()
        self.config = config
        self._runtime = runtime
        self._path = path
        self._one_by_one = one_by_one

    @property
    def device(self) -> torch.device:
        """Where inputs are expected."""
        return torch.device("cpu")

    def forward(self, **features: Any) -> Any:
        """Token states (B, L, D) float32 of inputs (B, L), nested as the replaced network's output was."""
        inputs: dict[str, NDArray[np.int64]] = {}
        for name in self._runtime.inputs:
            given = features.get(name)
            # Only BERT's second input may be left out: it numbers the halves of a pair, and here are no pairs.
            inputs[name] = np.zeros_like(inputs["input_ids"]) if given is None else given.numpy().astype(np.int64)
        mask = features.get("attention_mask")
        if self._one_by_one and mask is not None:
            output: Any = torch.from_numpy(self._rows(inputs, mask))
        else:
            output = torch.from_numpy(np.asarray(self._runtime.run(inputs), dtype=np.float32))
        for key in reversed(self._path):
            output = {key: output}
        return output

    def _rows(self, inputs: dict[str, NDArray[np.int64]], mask: Tensor) -> FloatArray:
        """Token states of each row by itself, zero where it is padded."""
        rows: list[tuple[int, int, FloatArray]] = []
        for i, real in enumerate(mask.numpy().astype(bool)):
            places = np.flatnonzero(real)
            start, stop = (int(places[0]), int(places[-1]) + 1) if len(places) else (0, len(real))
            row = {name: np.ascontiguousarray(array[i : i + 1, start:stop]) for name, array in inputs.items()}
            rows.append((start, stop, self._runtime.run(row)[0]))
        states = np.zeros((*mask.shape, rows[0][2].shape[-1]), dtype=np.float32)
        for i, (start, stop, values) in enumerate(rows):
            states[i, start:stop] = values
        return states


def replace_networks(model: Any, folder: Path, weights: str, backend: str, quantization: str) -> str | None:
    """Replace the network of each Transformer module of `model`, a SentenceTransformer loaded in float32 on the CPU.

    `folder` is the model's, `weights` its fingerprint; the network that the folder carries is used if it carries one
    and the model has one transformer, and is exported otherwise. Returns the fingerprint of the carried network, None
    where it was exported. Raises UsageError for a model without a transformer, one that cannot be exported, and a
    network that does not compute what the model's weights do.
    """
    from sentence_transformers.base.modules import Transformer

    modules: list[Any] = [module for module in model.modules() if isinstance(module, Transformer)]
    if not modules:
        raise UsageError(f"backend={backend}: the model has no transformer to run in it", "Use backend=torch.")
    found = None
    # OpenVINO's int8 starts from an exported network: its own format is not one that can be quantised here.
    if len(modules) == 1 and not (backend == "openvino" and quantization == "int8"):
        found = carried.find(folder, backend)
    for number, module in enumerate(modules):
        _replace(module, found, f"{weights}/{number}", backend, quantization)
    return None if found is None else found.fingerprint


def _replace(module: Any, found: carried.Carried | None, weights: str, backend: str, quantization: str) -> None:
    path, arguments = _call(module, backend)
    inputs = _features(module, _PROBE)
    if found is None:
        source = exported(module.model, inputs, path, arguments, weights)
        made_of = fingerprint.of_json(source.parent.name)
    else:
        source, made_of = found.path, found.fingerprint
    runtime = open_runtime(backend, source)
    if unknown := [name for name in runtime.inputs if name not in inputs and name != "token_type_ids"]:
        raise UsageError(f"{source} needs the input {unknown[0]}, which the model's tokenizer does not give")
    network = Network(runtime, module.model.config, path, one_by_one=False)
    for texts in (_PROBE, _PROBE_AGAIN):
        _require_same(module, network, texts, path, arguments, source)
    if quantization == "int8":
        runtime = open_runtime(backend, quantized(source, made_of, backend))
        network = Network(runtime, module.model.config, path, one_by_one=True)
    module.model = network


def _call(module: Any, backend: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """How the module calls its network: the path to the token states in its output, and constant arguments."""
    how = module.modality_config.get("text")
    config = module.model.config
    if how is None or how["method"] != "forward" or getattr(config, "output_hidden_states", False):
        raise UsageError(f"backend={backend}: the model reads more of its network than token states", "Use torch.")
    name = how["method_output_name"]
    path = (name,) if isinstance(name, str) else tuple(name or ())
    arguments: dict[str, Any] = {"return_dict": True}
    if "use_cache" in inspect.signature(module.model.forward).parameters:
        arguments["use_cache"] = False
    return path, arguments


def _features(module: Any, texts: list[str]) -> dict[str, Tensor]:
    """What the network is given for `texts`: the tokenizer's arrays (B, L) that it has a parameter for."""
    known = set(inspect.signature(module.model.forward).parameters)
    features = module.preprocess(texts)
    return {name: value for name, value in features.items() if isinstance(value, Tensor) and name in known}


def _require_same(
    module: Any, network: Network, texts: list[str], path: tuple[str, ...], arguments: dict[str, Any], source: Path
) -> None:
    """Raise UsageError unless both networks give the same states for `texts` at every token that is one."""
    features = _features(module, texts)
    with torch.inference_mode():
        expected, got = module.model(**features, **arguments), network(**features)
        for key in path:
            expected, got = expected[key], got[key]
    real = features["attention_mask"].bool()
    if expected.shape == got.shape:
        worst = float((expected[real] - got[real]).abs().max() / expected[real].abs().max())
        if worst <= _SAME:
            return
        difference = f"its states differ by {worst:.1%} from those of the weights"
    else:
        difference = f"its states have shape {tuple(got.shape)}, not {tuple(expected.shape)}"
    raise UsageError(
        f"{source} is not the network of this model: {difference}",
        "It may be of another version or quantised already. Remove it, and it is exported anew; or use backend=torch.",
    )
