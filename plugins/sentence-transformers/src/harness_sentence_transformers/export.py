"""From a torch network to an ONNX file, and from that to one in int8, once for each model and version.

The files lie in the harness's cache under what they were made of: weights, and the versions that made them. A file is
either not there or whole: its folder is filled under a temporary name and renamed.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from importlib import metadata
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness._util import fingerprint
from harness._util.atomic import sync, umask
from harness._util.folders import cache_root
from harness.errors import UsageError

#: Raised when the way of exporting or quantising changes, so that files of the old way are not used again.
EXPORT_VERSION = 1
QUANTIZE_VERSION = 1

_OPSET = 18
_NAME = "model.onnx"
#: Protobuf holds no message of 2 GiB; a network that comes near keeps its tensors in a file of their own.
_INLINE_BYTES = 1 << 30
#: Seconds after which a temporary folder belongs to nobody.
_ABANDONED = 86_400


class _States(nn.Module):
    """The network with its inputs by name and its token states as the one output."""

    def __init__(
        self, network: nn.Module, names: tuple[str, ...], path: tuple[str, ...], arguments: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.network = network
        self.names = names
        self.path = path
        self.arguments = dict(arguments)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Token states (B, L, D) of inputs (B, L), in the order of `names`."""
        output: Any = self.network(**dict(zip(self.names, inputs, strict=True)), **self.arguments)
        for key in self.path:
            output = output[key]
        states: Tensor = output
        return states


def exported(
    network: Any, inputs: Mapping[str, Tensor], path: tuple[str, ...], arguments: Mapping[str, Any], weights: str
) -> Path:
    """The ONNX file of `network`, exported now or earlier.

    `inputs` are example inputs (B, L) by name, B and L above 1; both axes are dynamic in the file. `path` leads from
    the network's output to its token states, `arguments` are constants it is called with. `weights` is the fingerprint
    of what the network was loaded from. Raises UsageError when torch cannot export it.
    """
    made_of = {"export": EXPORT_VERSION, "weights": weights, "inputs": sorted(inputs), "path": path, "opset": _OPSET}
    versions = {name: metadata.version(name) for name in ("torch", "transformers", "onnxscript")}

    def write(file: Path) -> None:
        try:
            _export(network, inputs, path, arguments, file)
        except Exception:
            # torch cannot decompose the fused attention of some models, T5's among them; written out, it can.
            network.set_attn_implementation("eager")
            _export(network, inputs, path, arguments, file)

    try:
        return _made_once({**made_of, **versions}, write)
    except OSError:
        raise
    except Exception as error:  # whatever the exporter meets in code it has not seen
        raise UsageError(f"the network cannot be exported to ONNX: {_reason(error)}", "Use backend=torch.") from error


def _export(
    network: nn.Module, inputs: Mapping[str, Tensor], path: tuple[str, ...], arguments: Mapping[str, Any], file: Path
) -> None:
    """Write `network` to `file`."""
    dynamic = torch.export.Dim.DYNAMIC
    size = sum(parameter.numel() * parameter.element_size() for parameter in network.parameters())
    torch.onnx.export(
        _States(network, tuple(inputs), path, arguments).eval(),
        tuple(inputs.values()),
        str(file),
        input_names=list(inputs),
        output_names=["last_hidden_state"],
        opset_version=_OPSET,
        dynamic_shapes=(tuple({0: dynamic, 1: dynamic} for _ in inputs),),  # one entry, for *inputs
        dynamo=True,
        external_data=size > _INLINE_BYTES,
        verbose=False,
    )


def _reason(error: BaseException) -> str:
    """What went wrong at first: exporters wrap it in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"


def quantized(source: Path, source_fingerprint: str, backend: str) -> Path:
    """`source` with the weights of its matrix products in int8, quantised now or earlier.

    For onnxruntime, weights are int8 per column and activations are quantised on the way (MatMulInteger): one scale
    for a whole batch of activations, so rows must be run one at a time. `reduce_range` keeps weights to 7 bits, for
    processors whose 16-bit partial sums would saturate. For OpenVINO, weights are int8 in blocks of 32
    (MatMulNBits), which its CPU plugin multiplies directly; it is slow on MatMulInteger.
    """
    made_of = {"quantize": QUANTIZE_VERSION, "source": source_fingerprint, "backend": backend}
    external = _size(source) > _INLINE_BYTES

    def write(file: Path) -> None:
        if backend == "onnx":
            from onnxruntime.quantization import QuantType, quantize_dynamic

            quantize_dynamic(
                str(source),
                str(file),
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
                use_external_data_format=external,
            )
        else:
            import onnx
            from onnxruntime.quantization.matmul_nbits_quantizer import (
                DefaultWeightOnlyQuantConfig,
                MatMulNBitsQuantizer,
            )

            scheme = DefaultWeightOnlyQuantConfig(block_size=32, is_symmetric=True, bits=8)
            quantizer = MatMulNBitsQuantizer(onnx.load(str(source)), algo_config=scheme)
            quantizer.process()
            quantizer.model.save_model_to_file(str(file), external)

    return _made_once({**made_of, "onnxruntime": metadata.version("onnxruntime")}, write)


def _made_once(made_of: Mapping[str, Any], write: Callable[[Path], None]) -> Path:
    """The file for `made_of` in the cache, written by `write` if it is not there; two processes may try at once."""
    root = cache_root(None) / "sentence-transformers"
    folder = root / fingerprint.of_json(dict(made_of))[:32]
    if (folder / _NAME).is_file():
        return folder / _NAME
    root.mkdir(parents=True, exist_ok=True)
    _sweep(root)
    building = Path(tempfile.mkdtemp(dir=root, prefix=f".{folder.name}.", suffix=".tmp"))
    try:
        with _quiet():
            write(building / _NAME)
        for part in building.iterdir():
            sync(part)
        building.chmod(0o777 & ~umask())  # mkdtemp makes folders private
        try:
            os.rename(building, folder)  # fails where another process was first
        except OSError:
            if not (folder / _NAME).is_file():
                raise
        sync(root)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder / _NAME


def _sweep(root: Path) -> None:
    """Remove what exports left that were killed; none takes a day."""
    for left in root.glob(".*.tmp"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED:
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep exporters' progress, warnings and set-up of the root logger to themselves."""
    root = logging.getLogger()
    guard, level = logging.NullHandler(), root.level
    noisy = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "onnxruntime")]
    levels = [logger.level for logger in noisy]
    root.addHandler(guard)  # logging.basicConfig, which onnxruntime's quantisers call on import, then does nothing
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.removeHandler(guard)
        root.setLevel(level)
        for logger, before in zip(noisy, levels, strict=True):
            logger.setLevel(before)


def _size(path: Path) -> int:
    """Bytes of an ONNX file and of the files beside it that hold its tensors."""
    return sum(part.stat().st_size for part in path.parent.glob(f"{path.stem}.onnx*"))
