"""The contracts an encoder, a searcher and a reranker satisfy.

They mirror mteb's Encoder, Search and CrossEncoder protocols, so that adapters in either direction stay thin, and
leave out everything that one text and one role do not need.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray: TypeAlias = NDArray[np.float32]
    IntArray: TypeAlias = NDArray[np.int64]
else:
    FloatArray = IntArray = "numpy.ndarray"  # numpy is imported by whoever computes, not by whoever declares

#: Which side of the search a text stands on.
Role: TypeAlias = Literal["query", "passage"]
Similarity: TypeAlias = Literal["cosine", "dot"]


@dataclass(frozen=True)
class EncoderInfo:
    """What the engine, the store and the boards need to know about a loaded encoder.

    `name` labels its rows. `fingerprint` changes whenever weights, tokenizer or any option that changes a vector
    changes: embeddings are stored under it. `max_tokens` is the length at which texts are cut, None for no limit.
    `prompts` maps a role to the text put before every input of that role. An encoder whose vectors depend on the
    `language` argument sets `language_aware`; for all others equal texts of two languages share one vector.
    `training_datasets` is None where unknown.
    """

    name: str
    dim: int
    fingerprint: str
    similarity: Similarity = "cosine"
    normalized: bool = True
    max_tokens: int | None = None
    languages: tuple[str, ...] | None = None
    prompts: Mapping[Role, str] = field(default_factory=dict)
    language_aware: bool = False
    training_datasets: tuple[str, ...] | None = None
    model: str | None = None
    revision: str | None = None
    licence: str | None = None
    device: str = "cpu"
    dtype: str = "float32"


@runtime_checkable
class Encoder(Protocol):
    """Maps texts to vectors: the whole contract for a third party."""

    @property
    def info(self) -> EncoderInfo:
        """Facts about this encoder; constant over its life."""
        ...

    def encode(self, texts: Sequence[str], *, role: Role, language: str | None = None) -> FloatArray:
        """Encode `texts` in order.

        Returns an array of shape (len(texts), info.dim), dtype float32, finite. `language` is a BCP 47 tag or None
        for unknown. `texts` is not mutated; one text's vector does not depend on the others.
        """
        ...


@runtime_checkable
class Forecasting(Protocol):
    """What an encoder has besides that costs more than time: it says how much before it starts."""

    def forecast(self, texts: Iterable[tuple[Role, Sequence[str]]]) -> str:
        """One sentence about what encoding `texts` will take; they come in blocks, each distinct text once.

        Raises UsageError where it is more than the user allows; nothing has been encoded then.
        """
        ...


@runtime_checkable
class Searcher(Protocol):
    """Owns its own matching: BM25, late interaction, a remote index."""

    @property
    def info(self) -> EncoderInfo:
        """Facts about this searcher (`dim` is 0)."""
        ...

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Take the corpus; replaces what an earlier call indexed. Any number of searches may follow."""
        ...

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> tuple[IntArray, FloatArray]:
        """Positions (n, k) int64 of the best passages, −1 where there are fewer, and their scores (n, k) float32.

        Ties are the engine's business: where several passages share the last score, it asks again with a larger `k`.
        """
        ...


@runtime_checkable
class Reranker(Protocol):
    """Reorders what a first stage found."""

    @property
    def info(self) -> EncoderInfo:
        """Facts about this reranker (`dim` is 0)."""
        ...

    def score(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        query_language: str | None = None,
        passage_language: str | None = None,
    ) -> FloatArray:
        """Scores (n,) float32 of (query, passage) pairs, higher is better.

        The languages are BCP 47 tags, of all queries and of all passages, or None for unknown.
        """
        ...
