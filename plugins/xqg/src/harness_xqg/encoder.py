"""The encoder: passages move towards the queries that were generated for them.

Zhuang, Shou and Zuccon, "Augmenting Passage Representations with Query Generation for Enhanced Cross-Lingual Dense
Retrieval" (SIGIR 2023): e'_d = (1 − α) e_d + α Σ_q e_q over the queries q generated for passage d, in any languages,
each encoded as a query. Queries of the evaluation are encoded as they are, so nothing is paid at search time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness import load_encoder
from harness._util import fingerprint
from harness.encoders.protocols import Encoder, EncoderInfo, FloatArray, Role
from harness.errors import DataError, UsageError
from harness_xqg.generated import Generated, GeneratedQueries
from harness_xqg.plugin import XqgOptions


class XqgEncoder:
    """The encoder that the options name, with augmented passages.

    Where it compares by cosine, passages and queries are scaled to unit length before they are added up, and the sum
    is scaled again by the engine (`info.normalized` is False).
    """

    def __init__(self, options: XqgOptions) -> None:
        loaded = load_encoder(options.encoder, options.encoder_options)
        if not isinstance(loaded.model, Encoder):
            raise UsageError(
                f"xqg adds vectors up, and {options.encoder!r} is a {loaded.card.kind}: it has none",
                "Name an encoder: `harness encoders` lists them with their kinds.",
            )
        self._encoder = loaded.model
        self._source = options.queries.expanduser()
        corpus = options.corpus.expanduser() if options.corpus else None
        self._queries = GeneratedQueries(self._source, corpus, options.passage_template)
        self._alpha = options.alpha
        self._keep = options.missing == "keep"
        inner, trained = self._encoder.info, loaded.card.training_datasets
        generator = options.generator_training
        self._info = replace(
            inner,
            name=f"{inner.name}-xqg",
            fingerprint=fingerprint.of_json(
                {
                    "encoder": "xqg/1",
                    "inner": [inner.fingerprint, inner.dtype, inner.normalized, inner.similarity, dict(inner.prompts)],
                    "queries": self._queries.fingerprint,
                    "alpha": options.alpha,
                    "missing": options.missing,
                }
            ),
            normalized=False,
            training_datasets=None if trained is None or generator is None else (*trained, *generator),
        )

    @property
    def info(self) -> EncoderInfo:
        """Facts about this encoder."""
        return self._info

    def encode(self, texts: Sequence[str], *, role: Role, language: str | None = None) -> FloatArray:
        """Vectors (len(texts), dim) float32, in the order of `texts`.

        Raises DataError for a passage without generated queries, unless `missing=keep`.
        """
        vectors = self._scaled(texts, role, language)
        if role == "query" or not len(texts):
            return vectors
        found = self._queries.of(texts)
        if not self._keep and None in found:
            raise DataError(
                f"{self._source}: no queries for the passage {texts[found.index(None)][:80]!r}",
                "The passage must be as the encoder reads it (title included: passage_template); or -o missing=keep.",
            )
        sums = self._sums(found)
        augmented = np.array([queries is not None for queries in found])
        vectors[augmented] = (1 - self._alpha) * vectors[augmented] + self._alpha * sums[augmented]
        return vectors

    def _sums(self, found: Sequence[Generated | None]) -> FloatArray:
        """Σ_q e_q (n, dim) for each passage; zeros where it has no queries. A query that is there twice counts twice.

        Languages are told to the encoder only where they make a difference, and each distinct query is encoded once.
        """
        sums = np.zeros((len(found), self._info.dim), dtype=np.float32)
        by_language: dict[str | None, dict[str, list[int]]] = {}
        for row, queries in enumerate(found):
            for text, language in queries or ():
                known = language if self._info.language_aware else None
                by_language.setdefault(known, {}).setdefault(text, []).append(row)
        for known, rows in by_language.items():
            vectors = self._scaled(list(rows), "query", known)
            counts = [len(places) for places in rows.values()]
            np.add.at(sums, [row for places in rows.values() for row in places], np.repeat(vectors, counts, axis=0))
        return sums

    def _scaled(self, texts: Sequence[str], role: Role, language: str | None) -> FloatArray:
        """The inner encoder's vectors, of unit length where they are compared by cosine; a copy of our own."""
        vectors = np.array(self._encoder.encode(texts, role=role, language=language), dtype=np.float32)
        if self._info.similarity == "cosine":
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
        return vectors
