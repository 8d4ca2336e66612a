"""What device and precision a name means on this machine."""

from __future__ import annotations

import pytest
import torch

from harness.encoders.hardware import resolve_device, resolve_dtype
from harness.errors import UsageError

_CPU = torch.device("cpu")
_CUDA = torch.cuda.is_available()
_MPS = torch.backends.mps.is_available()


def test_auto_takes_the_best_device_there_is() -> None:
    """`auto` is CUDA where there is one, else MPS, else the CPU."""
    assert resolve_device("auto").type == ("cuda" if _CUDA else "mps" if _MPS else "cpu")


def test_cpu_is_always_there() -> None:
    """`cpu` means the CPU on every machine."""
    assert resolve_device("cpu") == _CPU


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "CPU", "cuda:-1"])
def test_unknown_names_are_refused(name: str) -> None:
    """A name that torch does not know is refused, with those that work."""
    with pytest.raises(UsageError) as caught:
        resolve_device(name)
    assert repr(name) in caught.value.message
    assert caught.value.hint == "Use auto, cpu, cuda, cuda:1 or mps."


@pytest.mark.skipif(_CUDA, reason="this machine has a CUDA device")
@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7"])
def test_absent_cuda_is_refused(name: str) -> None:
    """A CUDA device that is not there is refused before any weight is loaded."""
    with pytest.raises(UsageError, match=f"device '{name}' was asked for and this machine has no CUDA device"):
        resolve_device(name)


@pytest.mark.skipif(not _CUDA, reason="this machine has no CUDA device")
def test_absent_cuda_index_is_refused() -> None:
    """A CUDA device beyond the last one is refused, the last one is not."""
    count = torch.cuda.device_count()
    assert resolve_device(f"cuda:{count - 1}").index == count - 1
    with pytest.raises(UsageError, match=f"device 'cuda:{count}' was asked for"):
        resolve_device(f"cuda:{count}")


@pytest.mark.skipif(_MPS, reason="this machine has an MPS device")
def test_absent_mps_is_refused() -> None:
    """So is MPS where there is none."""
    with pytest.raises(UsageError, match="device 'mps' was asked for and this machine has no MPS device"):
        resolve_device("mps")


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("auto", torch.float32), ("float32", torch.float32), ("bfloat16", torch.bfloat16), ("float16", torch.float16)],
)
def test_dtypes_on_the_cpu(name: str, dtype: torch.dtype) -> None:
    """On a CPU `auto` is float32, and each name is what it says."""
    assert resolve_dtype(name, _CPU) is dtype


@pytest.mark.skipif(not _CUDA, reason="this machine has no CUDA device")
def test_auto_dtype_on_cuda() -> None:
    """On CUDA `auto` is bfloat16 where the device computes in it."""
    expected = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    assert resolve_dtype("auto", torch.device("cuda")) is expected


@pytest.mark.parametrize("name", ["fp16", "float64", "", "int8"])
def test_unknown_dtypes_are_refused(name: str) -> None:
    """A precision that is not offered is refused, with those that are."""
    with pytest.raises(UsageError, match=f"dtype '{name}' is not supported") as caught:
        resolve_dtype(name, _CPU)
    assert caught.value.hint == "Use auto, float32, bfloat16, float16."
