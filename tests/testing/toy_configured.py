"""Toy encoders with options and with weights: sound ones, and those whose fingerprint or loading is not.

`breaks` names the checks that must fail.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.errors import HarnessError, UsageError

from .toy_encoders import Healthy


class Tuned(Healthy):
    """Options that change vectors, and a fingerprint that knows: keeps every rule."""

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.options = options
        if options.size % 2:
            raise UsageError("size must be even")
        self.seed = json.dumps(self.decisive()).encode()
        self.info = replace(Healthy.info, fingerprint=self.seed.hex())

    def decisive(self) -> list[Any]:
        """The options that decide a vector."""
        return [self.options.turn, self.options.mode, self.options.size, self.options.cut]


class Forgetful(Tuned):
    """The fingerprint of `Tuned` leaves out one option that changes vectors."""

    breaks: ClassVar[set[str]] = {"fingerprint-options"}
    forgets: ClassVar[int] = 0

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        kept = [value for i, value in enumerate(self.decisive()) if i != self.forgets]
        self.info = replace(Healthy.info, fingerprint=repr(kept))


class ForgetsMode(Forgetful):
    """Leaves out a member of a set."""

    forgets: ClassVar[int] = 1


class ForgetsSize(Forgetful):
    """Leaves out a number whose neighbours are refused."""

    forgets: ClassVar[int] = 2


class ForgetsCut(Forgetful):
    """Leaves out a number that is None by default."""

    forgets: ClassVar[int] = 3


class Picky(Tuned):
    """Refuses texts with one of its options, as an index of other texts would: keeps every rule."""

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Raise in mode b."""
        if self.options.mode == "b":
            raise UsageError("there are no such passages")
        return super().encode(texts, role=role)


class Unserved(Tuned):
    """Asks a server that does not have one of its options, which is no UsageError: keeps every rule."""

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Raise in mode b."""
        if self.options.mode == "b":
            raise HarnessError("the server answered 400: there is no mode b")
        return super().encode(texts, role=role)


class Fragile(Tuned):
    """Takes an option and breaks with it."""

    breaks: ClassVar[set[str]] = {"fingerprint-options"}

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Divide by zero when turned."""
        return super().encode(texts, role=role) / np.float32(1 / (1 - self.options.turn))


class Weighted(Healthy):
    """Reads a folder of weights and fingerprints its bytes: keeps every rule."""

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.weights = self.read(Path(options.model))
        self.info = replace(Healthy.info, fingerprint=hashlib.sha256(self.weights).hexdigest())
        self.seed = self.weights

    def read(self, folder: Path) -> bytes:
        """The bytes of the weights."""
        path = folder / "model.safetensors"
        if not path.is_file():
            raise UsageError(f"{folder} holds no safetensors weights")
        return path.read_bytes()


class ByName(Weighted):
    """Fingerprints the name of its model."""

    breaks: ClassVar[set[str]] = {"fingerprint-weights"}

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.info = Healthy.info


class Unpickles(Weighted):
    """Reads pickles where there are no safetensors."""

    breaks: ClassVar[set[str]] = {"pickles"}

    def read(self, folder: Path) -> bytes:
        """The bytes of the weights, whatever it takes."""
        for path in folder.glob("*.bin"):
            pickle.loads(path.read_bytes())
            return b"unpickled"
        return super().read(folder)


class UnpicklesFirst(Weighted):
    """Refuses a pickle after it has loaded it."""

    breaks: ClassVar[set[str]] = {"pickles"}

    def read(self, folder: Path) -> bytes:
        """Look first, and refuse then."""
        for path in folder.glob("*.bin"):
            raise UsageError(f"{path}: a pickle of {pickle.loads(path.read_bytes())!r}")
        return super().read(folder)


#: What is declared with the options `Many`, and what is declared with `Folder`.
OPTION_TOYS = [Tuned, Picky, Unserved, Fragile, Forgetful, ForgetsMode, ForgetsSize, ForgetsCut]
WEIGHT_TOYS = [Weighted, ByName, Unpickles, UnpicklesFirst]
