"""What the machine can do, asked of torch and never assumed."""

from __future__ import annotations

import torch

from harness.errors import UsageError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def resolve_device(name: str) -> torch.device:
    """The torch device for `name`; "auto" is the first of CUDA, MPS and CPU that is there.

    Raises UsageError for a name that torch does not know or a device that is absent.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"device {name!r} is not one torch knows", "Use auto, cpu, cuda, cuda:1 or mps.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device {name!r} was asked for and this machine has no CUDA device", "Use device=auto.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"device {name!r} was asked for and this machine has {torch.cuda.device_count()} CUDA device(s)"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UsageError(f"device {name!r} was asked for and this machine has no MPS device", "Use device=auto.")
    return device


def resolve_dtype(name: str, device: torch.device) -> torch.dtype:
    """The dtype weights and activations run in.

    "auto" is bfloat16 on a CUDA device that computes in it, and float32 elsewhere: on CPUs the half precisions are
    faster only with AMX or AVX512-BF16 and move scores in the fourth digit, so there they are an option and not a
    default. Raises UsageError for an unknown name.
    """
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    if name not in _DTYPES:
        raise UsageError(f"dtype {name!r} is not supported", "Use auto, " + ", ".join(_DTYPES) + ".")
    return _DTYPES[name]
