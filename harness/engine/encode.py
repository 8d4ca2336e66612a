"""Filling a space: encode the texts that it lacks, in chunks that a kill cannot tear.

Chunks are cut from the missing texts in order and committed whole. A run that was killed therefore finds, when it
starts again, the same chunks still missing, and gives each the same batches: its vectors are the bytes that the
uninterrupted run would have written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from harness.encoders.protocols import Encoder, FloatArray, Role
from harness.engine.store import Space, digests
from harness.errors import EncoderContractError

#: Texts handed to one `encode` call: many batches, so that sorting by length inside the encoder pays.
CHUNK = 512
#: A shard is committed at the first chunk boundary after this many seconds or texts.
SHARD_SECONDS = 5.0
SHARD_TEXTS = 16_384


def missing_texts(space: Space, texts: Sequence[str]) -> list[str]:
    """The distinct texts that `space` lacks, in order of first appearance."""
    unique = list(dict.fromkeys(texts))
    rows = space.locate(digests(unique))
    return [text for text, row in zip(unique, rows, strict=True) if row < 0]


def fill(
    space: Space,
    encoder: Encoder,
    texts: Sequence[str],
    *,
    role: Role,
    language: str | None,
    advance: Callable[[int], None],
) -> int:
    """Encode what `space` lacks of `texts` and commit it; returns how many texts were encoded.

    `advance(n)` is told of every chunk. Raises EncoderContractError when the encoder breaks its contract; what was
    committed before stays.
    """
    todo = missing_texts(space, texts)
    pending: list[tuple[Sequence[str], FloatArray]] = []
    started = time.monotonic()
    for start in range(0, len(todo), CHUNK):
        chunk = todo[start : start + CHUNK]
        pending.append((chunk, encode_checked(encoder, chunk, role=role, language=language)))
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


def _commit(space: Space, pending: list[tuple[Sequence[str], FloatArray]]) -> None:
    if pending:
        texts = [text for chunk, _ in pending for text in chunk]
        space.append(digests(texts), np.concatenate([vectors for _, vectors in pending]))
