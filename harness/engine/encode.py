"""Filling a space: encode the texts that it lacks, in chunks that a kill cannot tear.

Chunks are cut from the missing texts in order and committed whole. A run that was killed therefore finds, when it
starts again, the same chunks still missing, and gives each the same batches: its vectors are the bytes that the
uninterrupted run would have written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness._util.fingerprint import Digests
from harness.encoders.protocols import Encoder, FloatArray, Role
from harness.engine.store import Space
from harness.engine.texts import Texts
from harness.errors import EncoderContractError

#: Texts handed to one `encode` call: many batches, so that sorting by length inside the encoder pays.
CHUNK = 512
#: A shard is committed at the first chunk boundary after this many seconds or texts.
SHARD_SECONDS = 5.0
SHARD_TEXTS = 16_384


def missing(space: Space, digests: Digests) -> NDArray[np.int64]:
    """The positions (m,) of the distinct texts that `space` lacks, in order of first appearance."""
    absent = np.flatnonzero(space.locate(digests) < 0)
    _, first = np.unique(digests[absent], return_index=True)
    return absent[np.sort(first)]


def fill(space: Space, encoder: Encoder, texts: Texts, *, role: Role, advance: Callable[[int], None]) -> int:
    """Encode what `space` lacks of `texts` and commit it; returns how many texts were encoded.

    `advance(n)` is told of every chunk. Raises EncoderContractError when the encoder breaks its contract; what was
    committed before stays.
    """
    digests = texts.digests
    todo = missing(space, digests)
    pending: list[tuple[Digests, FloatArray]] = []
    started = time.monotonic()
    for start in range(0, len(todo), CHUNK):
        chunk = todo[start : start + CHUNK]
        vectors = encode_checked(encoder, texts.take(chunk), role=role, language=texts.language)
        pending.append((digests[chunk], vectors))
        advance(len(chunk))
        waiting = sum(len(done) for done, _ in pending)
        if waiting >= SHARD_TEXTS or time.monotonic() - started >= SHARD_SECONDS:
            _commit(space, pending)
            pending, started = [], time.monotonic()
    _commit(space, pending)
    return len(todo)


def encode_checked(encoder: Encoder, texts: Sequence[str], *, role: Role, language: str | None) -> FloatArray:
    """`encoder.encode`, held to its contract: shape, finite values, and unit length where cosine is declared."""
    info = encoder.info
    vectors = np.asarray(encoder.encode(list(texts), role=role, language=language), dtype=np.float32)
    if vectors.shape != (len(texts), info.dim):
        raise EncoderContractError(
            f"encoder {info.name!r} returned an array of shape {vectors.shape} for {len(texts)} texts",
            f"It declares dim={info.dim}, so ({len(texts)}, {info.dim}) is expected.",
        )
    if not np.isfinite(vectors).all():
        bad = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise EncoderContractError(f"encoder {info.name!r} returned NaN or infinity for the text {texts[bad][:80]!r}")
    if info.similarity == "cosine" and not info.normalized:
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
    return vectors


def _commit(space: Space, pending: list[tuple[Digests, FloatArray]]) -> None:
    if pending:
        space.append(np.concatenate([keys for keys, _ in pending]), np.concatenate([vectors for _, vectors in pending]))
