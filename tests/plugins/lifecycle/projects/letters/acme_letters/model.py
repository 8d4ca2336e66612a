"""The encoder."""

import hashlib
import unicodedata

import numpy as np

from harness.encoders import EncoderInfo


class Letters:
    """Counts of letters, or of pairs of letters, in 997 buckets."""

    def __init__(self, options):
        self.width = 2 if options.pairs else 1
        self.info = EncoderInfo(name="letters", dim=997, fingerprint=f"letters-2-{self.width}", training_datasets=())

    def encode(self, texts, *, role, language=None):
        """Vectors (n, 997)."""
        out = np.zeros((len(texts), 997), dtype=np.float32)
        for row, text in enumerate(texts):
            text = f" {unicodedata.normalize('NFKC', text).casefold()} "
            for start in range(len(text) - self.width + 1):
                pair = text[start : start + self.width].encode("utf-8", "surrogatepass")
                out[row, int.from_bytes(hashlib.md5(pair).digest()[:4], "big") % 997] += 1
        return out / np.linalg.norm(out, axis=1, keepdims=True)
