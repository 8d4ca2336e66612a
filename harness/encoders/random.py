"""The random encoder: a unit vector drawn from each text's own digest. It scores what chance scores."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from harness._util import fingerprint
from harness.encoders.builtin import RandomOptions
from harness.encoders.protocols import EncoderInfo, FloatArray, Role


class RandomEncoder:
    """Normal random vectors, normalised, seeded by (seed, role, text): deterministic across runs and machines.

    The role is part of the seed, because otherwise a question that is also a passage would find it.
    """

    def __init__(self, options: RandomOptions) -> None:
        self._options = options
        self._info = EncoderInfo(
            name="random",
            dim=options.dim,
            fingerprint=fingerprint.of_json({"encoder": "random/1", **options.model_dump()}),
            training_datasets=(),
        )

    @property
    def info(self) -> EncoderInfo:
        """Facts about this encoder."""
        return self._info

    def encode(self, texts: Sequence[str], *, role: Role, language: str | None = None) -> FloatArray:
        """Vectors (len(texts), dim) float32 of unit length."""
        out = np.empty((len(texts), self._options.dim), dtype=np.float32)
        for i, text in enumerate(texts):
            key = f"{self._options.seed}\0{role}\0{text}".encode("utf-8", "surrogatepass")
            seed = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little")
            out[i] = np.random.Generator(np.random.PCG64(seed)).standard_normal(self._options.dim)
        out /= np.linalg.norm(out, axis=1, keepdims=True).clip(min=1e-12)
        return out
