"""Hashed character n-grams: the baseline that knows no language and no training, only shared spelling.

Each word, lower-cased and framed by spaces, gives its character n-grams; each n-gram adds ±1 to one of `dim` buckets
(the "hashing trick" of Weinberger et al., ICML 2009, with the sign that keeps inner products unbiased); counts are
damped by a square root and the vector is normalised.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Sequence

import numpy as np

from harness._util import fingerprint
from harness.encoders.builtin import HashingOptions
from harness.encoders.protocols import EncoderInfo, FloatArray, Role
from harness.errors import UsageError


class HashingEncoder:
    """Signed, hashed counts of character n-grams; a text without any maps to the zero vector."""

    def __init__(self, options: HashingOptions) -> None:
        if options.min_n > options.max_n:
            raise UsageError(f"hashing: min_n={options.min_n} is above max_n={options.max_n}")
        self._options = options
        self._buckets: dict[str, tuple[list[int], list[int]]] = {}
        self._info = EncoderInfo(
            name="hashing",
            dim=options.dim,
            fingerprint=fingerprint.of_json({"encoder": "hashing/1", **options.model_dump()}),
            training_datasets=(),
        )

    @property
    def info(self) -> EncoderInfo:
        """Facts about this encoder."""
        return self._info

    def encode(self, texts: Sequence[str], *, role: Role, language: str | None = None) -> FloatArray:
        """Vectors (len(texts), dim) float32 of unit length."""
        out = np.zeros((len(texts), self._options.dim), dtype=np.float32)
        for i, text in enumerate(texts):
            for word in unicodedata.normalize("NFKC", text).lower().split():
                positions, signs = self._word(word)
                np.add.at(out[i], positions, signs)
        out = np.sign(out) * np.sqrt(np.abs(out))
        out /= np.linalg.norm(out, axis=1, keepdims=True).clip(min=1e-12)
        return out

    def _word(self, word: str) -> tuple[list[int], list[int]]:
        """Buckets and signs of a word's n-grams, remembered because text repeats its words."""
        known = self._buckets.get(word)
        if known is None:
            framed = f" {word} "
            sizes = range(self._options.min_n, self._options.max_n + 1)
            grams = [framed[i : i + n] for n in sizes for i in range(len(framed) - n + 1)]
            hashes = [zlib.crc32(gram.encode("utf-8", "surrogatepass")) for gram in grams]
            known = ([h % self._options.dim for h in hashes], [1 - 2 * (h >> 31) for h in hashes])
            if len(self._buckets) < 1_000_000:
                self._buckets[word] = known
        return known
