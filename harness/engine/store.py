"""The embedding store: vectors on disk under exactly what determines them.

A *space* is everything but the text: encoder fingerprint, dtype, role, prompt, and the language for encoders that use
it. Inside a space a text is known by a 128-bit digest. Vectors are appended in shards and never changed:

    <root>/<space>/space.json                    what the space is
    <root>/<space>/<shard>.vectors.npy           (n, dim) float32
    <root>/<space>/<shard>.keys.npy              (n,) 16-byte digests
    <root>/<space>/<shard>.json                  rows and checksums; written last, and so the commit of the shard

A shard without its manifest does not exist; a shard whose bytes disagree with its manifest is passed over, and what
it held is encoded again. Several processes may append at once: names never collide, and a text that two of them
encode is simply there twice.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness._util import fingerprint
from harness._util.atomic import atomic_writer, write_text
from harness._util.fingerprint import Digests
from harness.encoders.protocols import EncoderInfo, FloatArray, Role

_LAYOUT = 1
_DIGEST = np.dtype("S16")


def space_key(info: EncoderInfo, role: Role, language: str | None) -> dict[str, Any]:
    """What, besides the text, determines a vector."""
    return {
        "layout": _LAYOUT,
        "fingerprint": info.fingerprint,
        "dtype": info.dtype,
        "dim": info.dim,
        "normalized": info.normalized or info.similarity == "cosine",
        "role": role,
        "prompt": info.prompts.get(role, ""),
        "language": language if info.language_aware else None,
    }


class EmbeddingStore:
    """All spaces below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._spaces: dict[str, Space] = {}

    def space(self, info: EncoderInfo, role: Role, language: str | None) -> Space:
        """The space of (encoder, role, language), opened once per store."""
        key = space_key(info, role, language)
        name = fingerprint.of_json(key)[:24]
        if name not in self._spaces:
            self._spaces[name] = Space(self.root / name, key)
        return self._spaces[name]


@dataclass(frozen=True)
class _Shard:
    """A committed shard. Its vectors are mapped when they are read and released after, so that a scan of a hundred
    gigabytes takes the memory of one block.
    """

    keys: Digests
    path: Path

    @property
    def vectors(self) -> FloatArray:
        """(n, dim) float32, memory-mapped."""
        mapped: FloatArray = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return mapped


class Space:
    """The vectors of one encoder in one role."""

    def __init__(self, folder: Path, key: Mapping[str, Any]) -> None:
        self.folder = folder
        self.key = dict(key)
        self.dim = int(key["dim"])
        self.damaged: list[str] = []
        self._shards: list[_Shard] = []
        self._index: tuple[Digests, NDArray[np.int64]] | None = None
        for manifest in sorted(folder.glob("*.json")):
            if manifest.name != "space.json":
                self._open(manifest)

    def __len__(self) -> int:
        return sum(len(shard.keys) for shard in self._shards)

    def locate(self, wanted: Digests) -> NDArray[np.int64]:
        """Row (n,) of each digest, −1 where the space lacks it."""
        keys, rows = self._sorted()
        if not len(keys):
            return np.full(len(wanted), -1, dtype=np.int64)
        at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
        return np.where(keys[at] == wanted, rows[at], -1)

    def append(self, keys: Digests, vectors: FloatArray) -> None:
        """Commit one shard: `vectors` (n, dim) float32, finite, for `keys` (n,)."""
        if vectors.shape != (len(keys), self.dim):
            raise ValueError(f"vectors of shape {vectors.shape} for {len(keys)} keys of dimension {self.dim}")
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "space.json").exists():
            write_text(self.folder / "space.json", json.dumps(self.key, indent=1, ensure_ascii=False) + "\n")
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        arrays = {"vectors": np.ascontiguousarray(vectors, dtype=np.float32), "keys": keys}
        manifest: dict[str, Any] = {"layout": _LAYOUT, "rows": len(keys), "dim": self.dim, "sha256": {}}
        for part, array in arrays.items():
            path = self.folder / f"{name}.{part}.npy"
            with atomic_writer(path) as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)
            manifest["sha256"][part] = _sha256(path)
        write_text(self.folder / f"{name}.json", json.dumps(manifest) + "\n")
        self._open(self.folder / f"{name}.json", check=False)

    def read(self, rows: NDArray[np.int64]) -> FloatArray:
        """Vectors (n, dim) of `rows`; a view of the mapped file where the rows are one run of one shard."""
        starts = np.cumsum([0, *(len(shard.keys) for shard in self._shards)])
        if len(rows) and (rows < 0).any():
            raise KeyError("a text has no vector in this space")
        shard = np.searchsorted(starts, rows, side="right") - 1
        if len(rows) and shard[0] == shard[-1] and (np.diff(rows) == 1).all():
            first = int(rows[0] - starts[shard[0]])
            return self._shards[int(shard[0])].vectors[first : first + len(rows)]
        out = np.empty((len(rows), self.dim), dtype=np.float32)
        for number in np.unique(shard):
            mask = shard == number
            out[mask] = self._shards[int(number)].vectors[rows[mask] - starts[number]]
        return out

    def _sorted(self) -> tuple[Digests, NDArray[np.int64]]:
        if self._index is None:
            keys = np.concatenate([shard.keys for shard in self._shards]) if self._shards else np.empty(0, _DIGEST)
            order = np.argsort(keys, kind="stable")
            self._index = keys[order], order.astype(np.int64)
        return self._index

    def _open(self, manifest: Path, *, check: bool = True) -> None:
        """Map a shard, or note that it is damaged: an unreadable cache is a miss, never an error."""
        stem = manifest.with_suffix("")
        paths = {part: Path(f"{stem}.{part}.npy") for part in ("vectors", "keys")}
        try:
            facts = json.loads(manifest.read_text("utf-8"))
            if check and any(_sha256(path) != facts["sha256"][part] for part, path in paths.items()):
                raise ValueError("checksum")
            shard = _Shard(np.load(paths["keys"], allow_pickle=False), paths["vectors"])
            keys, vectors = shard.keys, shard.vectors
            if keys.dtype != _DIGEST or vectors.shape != (len(keys), self.dim) or vectors.dtype != np.float32:
                raise ValueError("shape")
        except (OSError, ValueError, KeyError, TypeError, EOFError):
            self.damaged.append(manifest.stem)
            return
        self._shards.append(shard)
        self._index = None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
