"""The searcher: exact MaxSim over a corpus whose token vectors lie on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from harness._util.fingerprint import digests
from harness._util.folders import cache_root
from harness.encoders.protocols import EncoderInfo, FloatArray, IntArray
from harness_late_interaction import maxsim
from harness_late_interaction.encoding import TokenEncoder, lengths_of
from harness_late_interaction.plugin import LateInteractionOptions
from harness_late_interaction.ragged import cuts, joined
from harness_late_interaction.storage import TokenFile

#: Texts that are tokenized at a time.
_CHUNK = 1024


class LateInteractionSearcher:
    """Late interaction over a corpus. Each distinct text is encoded and scored once, so that equal texts tie.

    Passages with the same score are ranked by position, the first of them first.
    """

    def __init__(self, options: LateInteractionOptions) -> None:
        self._encoder = TokenEncoder(options)
        self._storage = options.storage
        self._folder = Path(options.scratch).expanduser() if options.scratch else cache_root(None) / "late-interaction"
        # A quarter each for query vectors, a block of passage vectors, their similarities, and the pairs scored again.
        self._share = (options.memory << 20) // 4
        self._file: TokenFile | None = None
        self._indexed: bytes | None = None
        self._positions: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._starts: NDArray[np.int64] = np.zeros(1, dtype=np.int64)

    @property
    def info(self) -> EncoderInfo:
        """Facts about this searcher (`dim` is 0)."""
        return self._encoder.info

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Encode `passages` into a temporary file; one that holds these very passages already is kept.

        Raises HarnessError when there is no space for it.
        """
        adapter = self._encoder.adapter("passage", language)
        known = np.concatenate([digests(chunk) for chunk in _chunks(passages)] or [np.zeros(0, dtype="S16")])
        identity = hashlib.sha256(known.tobytes() + repr((len(known), adapter)).encode()).digest()
        if identity == self._indexed:
            return
        self.close()
        _, first, inverse = np.unique(known, return_index=True, return_inverse=True)
        rank = np.empty(len(first), dtype=np.int64)
        rank[np.argsort(first)] = np.arange(len(first))  # distinct texts in the order in which they first occur
        distinct = rank[inverse]
        file = TokenFile(self._folder, self._encoder.dim, self._storage)
        try:
            wanted = np.zeros(len(known), dtype=bool)
            wanted[first] = True
            at = 0
            for chunk in _chunks(passages):
                rows = self._encoder.rows([text for i, text in enumerate(chunk) if wanted[at + i]], "passage")
                file.extend(lengths_of(rows), self._encoder.vectors(rows, adapter))
                at += len(chunk)
        except BaseException:
            file.close()
            raise
        self._file, self._indexed = file, identity
        self._positions = np.argsort(distinct, kind="stable")
        self._starts = np.searchsorted(distinct[self._positions], np.arange(len(first) + 1))

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> tuple[IntArray, FloatArray]:
        """Positions (n, k) int64 of the best passages, −1 where there are fewer, and their MaxSim (n, k) float32."""
        positions = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.zeros((len(queries), k), dtype=np.float32)
        places: dict[str, list[int]] = {}
        for i, query in enumerate(queries):
            places.setdefault(query, []).append(i)
        if self._file is None or not places or not len(self._positions):
            return positions, scores
        distinct = list(places)
        rows = self._encoder.rows(distinct, "query")
        adapter = self._encoder.adapter("query", language)
        lengths = lengths_of(rows)
        dim = self._encoder.dim
        block = max(1, self._share // (4 * max(dim, int(lengths.max()))))
        for start, stop in cuts(lengths, max(1, self._share // (4 * dim))):
            vectors = dict(self._encoder.vectors(rows[start:stop], adapter))
            found, values = maxsim.search(
                joined([vectors[i] for i in range(stop - start)], dim),
                self._file.blocks(block),
                k,
                memory=self._share,
                device=scoring_device(self._encoder.device),
            )
            for i in range(stop - start):
                best, value = self._expanded(found[i], values[i], k)
                for place in places[distinct[start + i]]:
                    positions[place, : len(best)], scores[place, : len(best)] = best, value
        return positions, scores

    def close(self) -> None:
        """Forget the corpus and give its disk space back."""
        if self._file is not None:
            self._file.close()
        self._file = self._indexed = None

    def _expanded(self, texts: IntArray, values: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """From distinct texts (k,) with scores to every passage that has one of them, at most `k`."""
        texts, values = texts[texts >= 0], values[texts >= 0]
        counts = self._starts[texts + 1] - self._starts[texts]
        offsets = np.cumsum(counts) - counts
        within = np.arange(counts.sum()) - np.repeat(offsets, counts)
        positions = self._positions[np.repeat(self._starts[texts], counts) + within]
        scores = np.repeat(values, counts)
        order = np.lexsort((positions, -scores))[:k]
        return positions[order], scores[order]


def scoring_device(device: torch.device) -> torch.device:
    """Where scores are computed: where the network is, unless that has no float64 (MPS)."""
    return device if device.type in ("cpu", "cuda") else torch.device("cpu")


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in order, some at a time: all of them may be too many for the memory."""
    for start in range(0, len(texts), _CHUNK):
        yield list(texts[start : start + _CHUNK])
