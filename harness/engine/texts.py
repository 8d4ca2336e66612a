"""What an encoder is to read in one role: a sequence of strings that need not be in memory.

The store knows a text by its digest, so planning and looking vectors up need no strings at all, and encoding needs
only those of one chunk.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from harness._util.fingerprint import Digests, digests
from harness.sources.collection import Queries
from harness.sources.corpus import Corpus
from harness.tasks.model import Lowercase, lowered


class Texts(Sequence[str]):
    """Strings by position, with their digests, in one language."""

    def __init__(self, language: str | None) -> None:
        self.language = language

    @abstractmethod
    def take(self, positions: NDArray[np.int64]) -> list[str]:
        """The strings at `positions` (n,)."""

    @property
    @abstractmethod
    def digests(self) -> Digests:
        """The digest (n,) of every string."""

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self.take(np.array([index % len(self)]))[0]


class Questions(Texts):
    """The queries of a collection."""

    def __init__(self, queries: Queries, language: str | None, lowercase: Lowercase = "") -> None:
        super().__init__(language)
        self._texts = [lowered(text, lowercase) for text in queries.texts] if lowercase else queries.texts

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def take(self, positions: NDArray[np.int64]) -> list[str]:
        """The strings at `positions` (n,)."""
        return [self._texts[position] for position in positions.tolist()]

    @cached_property
    def digests(self) -> Digests:
        """The digest (n,) of every string."""
        return digests(self._texts)


class Passages(Texts):
    """The passages of a corpus as one template renders them."""

    def __init__(self, corpus: Corpus, template: str, language: str | None, lowercase: Lowercase = "") -> None:
        super().__init__(language)
        self._corpus = corpus
        self._template = template
        self._lowercase = lowercase

    def __len__(self) -> int:
        return len(self._corpus)

    def __iter__(self) -> Iterator[str]:
        for batch in self._corpus.render_all(self._template, self._lowercase):
            yield from batch

    def take(self, positions: NDArray[np.int64]) -> list[str]:
        """The strings at `positions` (n,)."""
        return self._corpus.render(self._template, positions, self._lowercase)

    @property
    def digests(self) -> Digests:
        """The digest (n,) of every string."""
        return self._corpus.digests(self._template, self._lowercase)
