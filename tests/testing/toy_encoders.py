"""Toy encoders: a sound one, and one for each way of being broken. `breaks` names the checks that must fail."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import socket
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from harness.encoders.protocols import EncoderInfo

DIM = 8
#: What is longer than this is longer than any text of the checks but the very long ones.
LONG_CHARACTERS = 10_000


class Healthy:
    """Keeps every rule: a unit vector from the digest of the text."""

    breaks: ClassVar[set[str]] = set()
    info = EncoderInfo(name="toy", dim=DIM, fingerprint="toy")

    def __init__(self, options: Any = None) -> None:
        self.seed = b""

    def one(self, text: str) -> np.ndarray:
        """The vector (8,) of one text."""
        digest = hashlib.sha256(self.seed + text.encode("utf-8", "surrogatepass")).digest()
        vector = np.frombuffer(digest, np.uint32).astype(np.float64) / 2**32 - 0.5
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Vectors (n, 8) float32."""
        return np.array([self.one(text) for text in texts], dtype=np.float32).reshape(len(texts), DIM)


class Declared(Healthy):
    """Keeps every rule and declares what is unusual: no unit length, prompts, and a language that matters."""

    info = replace(
        Healthy.info, normalized=False, language_aware=True, prompts={"query": "q: ", "passage": ""}, similarity="dot"
    )

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Vectors of the prompted text, twice as long, moved by the language."""
        vectors = super().encode([self.info.prompts[role] + text for text in texts], role=role)
        return vectors * np.float32(2 if language is None else 2 + len(language))


class Euclid(Healthy):
    """Declares a similarity that nobody knows."""

    breaks: ClassVar[set[str]] = {"declaration"}
    info = replace(Healthy.info, similarity="euclid")  # type: ignore[arg-type]


class Nameless(Healthy):
    """Has no name."""

    breaks: ClassVar[set[str]] = {"declaration"}
    info = replace(Healthy.info, name="")


class Narrator(Healthy):
    """Declares a prompt for a role that there is not."""

    breaks: ClassVar[set[str]] = {"declaration"}
    info = replace(Healthy.info, prompts={"document": "d: "})  # type: ignore[dict-item]


class Doubles(Healthy):
    """Returns float64."""

    breaks: ClassVar[set[str]] = {"dtype"}

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Vectors in double precision."""
        return super().encode(texts, role=role).astype(np.float64)


class NothingForNothing(Healthy):
    """Returns (0,) where (0, dim) is due."""

    breaks: ClassVar[set[str]] = {"shape"}

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """An empty array without columns for no texts."""
        return super().encode(texts, role=role) if len(texts) else np.empty(0, np.float32)


class NanForMars(Healthy):
    """One passage has NaN in its vector."""

    breaks: ClassVar[set[str]] = {"finite"}

    def one(self, text: str) -> np.ndarray:
        """NaN in one place."""
        vector = super().one(text)
        return np.where(np.arange(DIM) == 0, np.float32("nan"), vector) if text == "Mars" else vector


class Sorted(Healthy):
    """Leaves the texts in order of length."""

    breaks: ClassVar[set[str]] = {"order"}

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Vectors in another order."""
        return super().encode(sorted(texts, key=len), role=role)


class BatchCounted(Healthy):
    """Computes otherwise in batches of more than one, as a matrix of another shape may."""

    breaks: ClassVar[set[str]] = {"companions"}

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Vectors turned by a batch of more than three texts of one length."""
        vectors = super().encode(texts, role=role)
        return -vectors if len(texts) > 6 else vectors


class BatchCentred(Healthy):
    """Subtracts the mean of the batch."""

    breaks: ClassVar[set[str]] = {"companions", "padding"}

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Vectors moved by their companions."""
        vectors = super().encode(texts, role=role)
        if len(texts) > 1:
            vectors = vectors - 0.1 * vectors.mean(axis=0)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)).astype(np.float32)


class Unmasked(Healthy):
    """Pools over padding too, beside much longer texts."""

    breaks: ClassVar[set[str]] = {"padding"}

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Vectors moved by the longest text."""
        vectors = super().encode(texts, role=role)
        longest = max(map(len, texts), default=0)
        for i, text in enumerate(texts):
            if longest > 50 * len(text) and longest < LONG_CHARACTERS:
                vectors[i] = np.roll(vectors[i], 1)
        return vectors


class Promptless(Healthy):
    """Declares a prompt and never uses it."""

    breaks: ClassVar[set[str]] = {"roles"}
    info = replace(Healthy.info, prompts={"query": "question: "})


class Polyglot(Healthy):
    """Uses the language and does not say so."""

    breaks: ClassVar[set[str]] = {"language"}

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Vectors moved by the language."""
        vectors = super().encode(texts, role=role)
        return vectors if language is None else -vectors


class Restless(Healthy):
    """Draws its random numbers anew at every call."""

    breaks: ClassVar[set[str]] = {"deterministic"}

    def one(self, text: str) -> np.ndarray:
        """A vector moved by a hundred-thousandth."""
        vector = super().one(text)
        return (vector + np.float32(1e-5 * random.random())).astype(np.float32)


class Unseeded(Healthy):
    """Draws its weights anew at every load."""

    breaks: ClassVar[set[str]] = {"deterministic"}

    def __init__(self, options: Any = None) -> None:
        self.seed = os.urandom(8)


class NewFingerprint(Healthy):
    """Has another fingerprint at every load."""

    breaks: ClassVar[set[str]] = {"fingerprint"}

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.info = replace(Healthy.info, fingerprint=uuid.uuid4().hex)


class TwiceAsLong(Healthy):
    """Declares unit length and has twice that."""

    breaks: ClassVar[set[str]] = {"normalisation"}

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Vectors of length 2."""
        return 2 * super().encode(texts, role=role)


class Strips(Healthy):
    """Cuts the texts in the list that it was given."""

    breaks: ClassVar[set[str]] = {"not-mutated"}

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Vectors, and a changed list."""
        vectors = super().encode(texts, role=role)
        if isinstance(texts, list):
            texts[:] = [text[:3] for text in texts]
        return vectors


class ListsOnly(Healthy):
    """Takes lists alone."""

    breaks: ClassVar[set[str]] = {"sequences"}

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Raise for what cannot be added to a list."""
        return super().encode([] + texts, role=role)  # type: ignore[operator]  # noqa: RUF005


class Constant(Healthy):
    """Maps everything to one vector."""

    breaks: ClassVar[set[str]] = {"distinct"}

    def one(self, text: str) -> np.ndarray:
        """The vector."""
        return np.full(DIM, DIM**-0.5, dtype=np.float32)


class Caller(Healthy):
    """Asks a server of this machine at every call, and says nothing of it."""

    breaks: ClassVar[set[str]] = {"no-network"}

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Vectors, and an attempt to connect."""
        with contextlib.suppress(Exception), socket.socket() as connection:
            connection.settimeout(0.1)
            connection.connect(("127.0.0.1", 9))
        return super().encode(texts, role=role)


class Resolver(Healthy):
    """Needs a name to be looked up."""

    breaks: ClassVar[set[str]] = {"no-network"}

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Vectors, after a look-up."""
        socket.getaddrinfo("localhost", 80)
        return super().encode(texts, role=role)


class Exits(Healthy):
    """Ends the process."""

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """Exit."""
        raise SystemExit("no licence")


TOYS = [
    kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, Healthy) and kind is not Exits
]
