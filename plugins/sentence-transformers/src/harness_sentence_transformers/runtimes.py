"""Running an ONNX file or an OpenVINO network on the CPU: named arrays in, token states out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from harness.encoders.protocols import FloatArray
from harness.errors import UsageError
from harness.plugins.requirements import require

#: What exporters call the token states; a network with one output may call it anything.
_OUTPUTS = ("last_hidden_state", "token_embeddings")

#: What each backend needs besides this plugin's own dependencies; int8 is quantised by onnxruntime for both.
_REQUIREMENTS = {
    "onnx": ("sentence-transformers>=6", "onnx>=1.17", "onnxscript>=0.3", "onnxruntime>=1.20"),
    "openvino": ("sentence-transformers>=6", "onnx>=1.17", "onnxscript>=0.3", "openvino>=2025"),
}


def require_packages(backend: str, quantization: str) -> None:
    """Raise UsageError unless what `backend` and `quantization` need is installed."""
    if backend in _REQUIREMENTS:
        extra = ("onnxruntime>=1.22",) if backend == "openvino" and quantization == "int8" else ()
        require(f"backend={backend}" + (f" with quantization={quantization}" if extra else ""),
                *_REQUIREMENTS[backend], *extra)  # fmt: skip


class Runtime(ABC):
    """A loaded network."""

    #: Names of the inputs it takes.
    inputs: tuple[str, ...]

    @abstractmethod
    def run(self, arrays: Mapping[str, NDArray[np.int64]]) -> FloatArray:
        """Token states (B, L, D) float32 of named inputs (B, L) int64."""


class OnnxRuntime(Runtime):
    """onnxruntime's CPU provider, on as many threads as torch has."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors share no base class
            raise UsageError(f"onnxruntime cannot load {path}: {_first_line(error)}") from error
        self.inputs = tuple(entry.name for entry in self._session.get_inputs())
        self._output = _output([entry.name for entry in self._session.get_outputs()], path)

    def run(self, arrays: Mapping[str, NDArray[np.int64]]) -> FloatArray:
        """Token states (B, L, D) float32 of named inputs (B, L) int64."""
        return cast(FloatArray, self._session.run([self._output], dict(arrays))[0])


class OpenVinoRuntime(Runtime):
    """OpenVINO's CPU device, on as many threads as torch has, in single precision.

    Left to itself it computes in bfloat16 on processors that can, and vectors would differ from machine to machine.
    """

    def __init__(self, path: Path) -> None:
        import openvino

        core = openvino.Core()
        settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
        try:
            model = core.read_model(str(path))
            self._model: Any = core.compile_model(model, "CPU", settings)
        except Exception as error:
            raise UsageError(f"OpenVINO cannot load {path}: {_first_line(error)}") from error
        self.inputs = tuple(entry.get_any_name() for entry in model.inputs)
        names = [sorted(entry.get_names())[0] if entry.get_names() else "" for entry in model.outputs]
        self._output = names.index(_output(names, path))

    def run(self, arrays: Mapping[str, NDArray[np.int64]]) -> FloatArray:
        """Token states (B, L, D) float32 of named inputs (B, L) int64."""
        states = self._model(dict(arrays), share_inputs=True, share_outputs=False)[self._output]
        return cast(FloatArray, states)


def open_runtime(backend: str, path: Path) -> Runtime:
    """The network at `path` in the runtime of `backend`. Raises UsageError when it cannot be loaded."""
    return OnnxRuntime(path) if backend == "onnx" else OpenVinoRuntime(path)


def _output(names: list[str], path: Path) -> str:
    """Which output holds the token states."""
    for known in _OUTPUTS:
        if known in names:
            return known
    if len(names) == 1:
        return names[0]
    raise UsageError(f"{path} has no output {' or '.join(_OUTPUTS)}; it has {', '.join(names)}")


def _first_line(error: Exception) -> str:
    """The first line of what an exception says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
