"""Content fingerprints: the same content gives the same name, on every machine and in every run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Digests: TypeAlias = NDArray[np.bytes_]
else:
    Digests = "numpy.ndarray"  # numpy is imported by whoever computes them

_BLOCK = 1 << 20
_STRINGS = 4096


def of_json(value: Any) -> str:
    """SHA-256 (64 hex digits) of `value` as canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def of_strings(*columns: Iterable[str]) -> str:
    """SHA-256 of string columns, each string preceded by its length so that no two contents collide by joining."""
    digest = hashlib.sha256()
    for column in columns:
        strings = iter(column)
        while block := list(islice(strings, _STRINGS)):  # one update for many strings: a corpus has millions
            encoded = [text.encode("utf-8", "surrogatepass") for text in block]
            digest.update(b"".join(part for data in encoded for part in (len(data).to_bytes(8, "little"), data)))
        digest.update(b"\xff" * 8)
    return digest.hexdigest()


def digests(texts: Sequence[str]) -> Digests:
    """The 128-bit BLAKE2b digests (n,) of `texts`, dtype S16: what the embedding store knows a text by."""
    import numpy as np

    out = np.empty(len(texts), dtype="S16")
    for i, text in enumerate(texts):
        out[i] = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return out


def of_files(paths: Iterable[Path], root: Path) -> str:
    """SHA-256 over the names below `root` and the bytes of `paths`, in name order: the fingerprint of a checkpoint."""
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in paths):
        digest.update(name.encode() + b"\0" + path.stat().st_size.to_bytes(8, "little"))
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
