"""The searcher: analysis, index, and what is told about both."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from importlib import metadata

import numpy as np

from harness._util import fingerprint
from harness.encoders.protocols import EncoderInfo, FloatArray, IntArray
from harness.plugins.requirements import require
from harness_bm25.analysis import Analysis
from harness_bm25.index import Index
from harness_bm25.languages import base
from harness_bm25.plugin import Bm25Options

#: Rises whenever tokens change though no option and no library did.
_VERSION = 1

_FUGASHI = ("fugashi>=1.3", "unidic-lite>=1.0.8")
_KIWI = ("kiwipiepy>=0.20", "kiwipiepy_model>=0.20")


class Bm25Searcher:
    """BM25 over tokens of the passages' language."""

    def __init__(self, options: Bm25Options) -> None:
        libraries = ["bm25s", "PyStemmer", "pythainlp", "regex"]
        if options.ja == "fugashi":
            require("ja=fugashi", *_FUGASHI)
            libraries += ["fugashi", "unidic-lite"]
        if options.ko == "kiwi":
            require("ko=kiwi", *_KIWI)
            libraries += ["kiwipiepy", "kiwipiepy_model"]
        self._options = options
        self._analysis = Analysis(None, options)
        self._index = self._indexed(())
        self._corpus: str | None = None
        self._info = EncoderInfo(
            name=options.name,
            dim=0,
            fingerprint=fingerprint.of_json(
                {
                    "encoder": f"bm25/{_VERSION}",
                    "options": options.model_dump(exclude={"name"}),
                    "libraries": {name: metadata.version(name) for name in libraries},
                    "unicode": unicodedata.unidata_version,
                }
            ),
            similarity="dot",
            normalized=False,
            language_aware=True,
            training_datasets=(),
        )

    @property
    def info(self) -> EncoderInfo:
        """Facts about this searcher."""
        return self._info

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Take the corpus, which is read once and in order; replaces what an earlier call indexed.

        Where `passages` know the `digests` (n,) of their texts, as the engine's do, and have those of the call before,
        its index stands: XOR-TyDi asks one corpus in seven languages.
        """
        corpus = _identity(passages, language)
        if corpus is not None and corpus == self._corpus:
            return
        self._corpus = None  # while there is no index of it yet
        self._index = self._indexed(())  # the old one goes before there is a new one
        self._analysis = Analysis(language, self._options)
        self._index = self._indexed(passages)
        self._corpus = corpus

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> tuple[IntArray, FloatArray]:
        """Positions (n, k) int64 and scores (n, k) float32, best first; −1 and 0 where no more passages score above 0.

        Queries are analysed as the passages are, whatever `language` they are in: what a query shares with passages of
        another language are names and numbers, and they match if both went through the same stemmer.
        """
        positions = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.zeros((len(queries), k), dtype=np.float32)
        for row, query in enumerate(queries):
            found, values = self._index.best(self._analysis.tokens(query), k)
            positions[row, : len(found)], scores[row, : len(found)] = found, values
        return positions, scores

    def _indexed(self, passages: Sequence[str]) -> Index:
        options = self._options
        tokens = (self._analysis.tokens(passage) for passage in passages)
        return Index(tokens, method=options.method, k1=options.k1, b=options.b)


def _identity(passages: Sequence[str], language: str | None) -> str | None:
    """What tells one corpus from another, or None where only reading it could."""
    known = getattr(passages, "digests", None)
    if not isinstance(known, np.ndarray):
        return None
    return f"{base(language)} {len(known)} {hashlib.sha256(known.tobytes()).hexdigest()}"
