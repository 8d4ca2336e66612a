"""The reranker: MaxSim of given pairs, with the vectors and the arithmetic of the searcher."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from harness.encoders.protocols import EncoderInfo, FloatArray, Role
from harness_late_interaction import maxsim
from harness_late_interaction.encoding import TokenEncoder, lengths_of
from harness_late_interaction.plugin import LateInteractionOptions
from harness_late_interaction.ragged import cuts, joined
from harness_late_interaction.searcher import scoring_device

#: Pairs that are looked at together.
_PAIRS = 4096


class MaxSimReranker:
    """Late interaction of pairs.

    Vectors of texts that were seen are kept, within a quarter of the memory each for queries and for passages: first
    stages find the same passages again and again.
    """

    def __init__(self, options: LateInteractionOptions) -> None:
        self._encoder = TokenEncoder(options)
        self._storage = np.dtype(options.storage)
        self._share = (options.memory << 20) // 4
        self._kept: dict[Role, _Kept] = {"query": _Kept(self._share), "passage": _Kept(self._share)}

    @property
    def info(self) -> EncoderInfo:
        """Facts about this reranker (`dim` is 0)."""
        return self._encoder.info

    def score(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        query_language: str | None = None,
        passage_language: str | None = None,
    ) -> FloatArray:
        """MaxSim (n,) float32 of (query, passage) pairs; languages choose among the adapters of X-MOD."""
        adapters: dict[Role, str | None] = {
            "query": self._encoder.adapter("query", query_language),
            "passage": self._encoder.adapter("passage", passage_language),
        }
        out = np.zeros(len(pairs), dtype=np.float32)
        for start in range(0, len(pairs), _PAIRS):
            by_passage: dict[str, list[int]] = {}
            for i in range(start, min(start + _PAIRS, len(pairs))):
                by_passage.setdefault(pairs[i][1], []).append(i)
            for passages in self._groups(list(by_passage), "passage", adapters["passage"]):
                by_query: dict[str, list[int]] = {}
                for passage in passages:
                    for i in by_passage[passage]:
                        by_query.setdefault(pairs[i][0], []).append(i)
                for queries in self._groups(list(by_query), "query", adapters["query"]):
                    for query, vectors in queries.items():
                        own = by_query[query]
                        out[own] = maxsim.scores(
                            joined([vectors], self._encoder.dim),
                            joined([passages[pairs[i][1]] for i in own], self._encoder.dim),
                            memory=self._share,
                            device=scoring_device(self._encoder.device),
                        )[0]
        return out

    def _groups(self, texts: list[str], role: Role, adapter: str | None) -> Iterator[dict[str, FloatArray]]:
        """Text → vectors (m, dim) float32, for as many texts at a time as a quarter of the memory holds."""
        kept = self._kept[role]
        known = kept.take(texts, adapter)
        fresh = [text for text in texts if text not in known]
        if known:
            yield {text: vectors.astype(np.float32) for text, vectors in known.items()}
        rows = self._encoder.rows(fresh, role)
        for start, stop in cuts(lengths_of(rows), max(1, self._share // (4 * self._encoder.dim))):
            group = {}
            for i, vectors in self._encoder.vectors(rows[start:stop], adapter):
                if role == "passage":
                    vectors = vectors.astype(self._storage)
                kept.put(fresh[start + i], adapter, vectors)
                group[fresh[start + i]] = vectors.astype(np.float32)
            yield group


class _Kept:
    """Vectors by text and adapter, within `most` bytes; what was not used for longest goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._vectors: OrderedDict[tuple[str, str | None], FloatArray] = OrderedDict()

    def take(self, texts: Iterable[str], adapter: str | None) -> dict[str, FloatArray]:
        """Those of `texts` that are there."""
        found = {text: self._vectors[text, adapter] for text in texts if (text, adapter) in self._vectors}
        for text in found:
            self._vectors.move_to_end((text, adapter))
        return found

    def put(self, text: str, adapter: str | None, vectors: FloatArray) -> None:
        """Keep a text that is not there yet."""
        vectors = np.array(vectors)  # a view would keep its whole batch
        self._vectors[text, adapter] = vectors
        self._size += vectors.nbytes
        while self._size > self._most:
            _, gone = self._vectors.popitem(last=False)
            self._size -= gone.nbytes
