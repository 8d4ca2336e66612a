"""An encoder of the harness with BEIR's dense interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch

from harness.api import LoadedEncoder, load_encoder
from harness.encoders.protocols import Encoder, EncoderInfo, FloatArray, Role
from harness.engine.encode import encode_checked
from harness.errors import UsageError

#: BEIR hands a corpus over as documents, as columns, or as plain texts.
Corpus: TypeAlias = Sequence[Mapping[str, str]] | Mapping[str, Sequence[str]] | Sequence[str]


class HarnessModel:
    """What `DenseRetrievalExactSearch` and BEIR's other dense searches take as their model.

    `score_function` is the name BEIR has for the encoder's similarity: hand it to `EvaluateRetrieval`.
    """

    def __init__(self, encoder: Encoder, sep: str, query_language: str | None, passage_language: str | None) -> None:
        self.encoder = encoder
        self.sep = sep
        self.score_function = "cos_sim" if encoder.info.similarity == "cosine" else "dot"
        self._languages: dict[Role, str | None] = {"query": query_language, "passage": passage_language}

    @property
    def info(self) -> EncoderInfo:
        """Facts about the encoder."""
        return self.encoder.info

    def encode_queries(
        self, queries: Sequence[str], batch_size: int = 16, *, convert_to_tensor: bool = False, **kwargs: Any
    ) -> FloatArray | torch.Tensor:
        """Vectors (queries, dim) float32, as numpy or torch. The encoder makes its own batches.

        Raises EncoderContractError when the encoder breaks its contract.
        """
        return self._encode(list(queries), "query", convert_to_tensor)

    def encode_corpus(
        self, corpus: Corpus, batch_size: int = 8, *, convert_to_tensor: bool = False, **kwargs: Any
    ) -> FloatArray | torch.Tensor:
        """Vectors (documents, dim) float32, as numpy or torch, of titles and texts joined as BEIR joins them.

        Raises EncoderContractError when the encoder breaks its contract.
        """
        return self._encode(joined(corpus, self.sep), "passage", convert_to_tensor)

    def _encode(self, texts: list[str], role: Role, as_tensor: bool) -> FloatArray | torch.Tensor:
        vectors = encode_checked(self.encoder, texts, role=role, language=self._languages[role])
        return torch.from_numpy(vectors) if as_tensor else vectors


def joined(corpus: Corpus, sep: str) -> list[str]:
    """Title, `sep` and text of each document, stripped; plain texts as they are.

    The rule of `beir.retrieval.models.util.extract_corpus_sentences`, which fails on a corpus without documents and on
    a title that is None, as BEIR's loader gives it where a corpus has none.
    """
    if isinstance(corpus, Mapping):
        titles = corpus.get("title") or [""] * len(corpus["text"])
        return [_join(title, text, sep) for title, text in zip(titles, corpus["text"], strict=True)]
    return [each if isinstance(each, str) else _join(each.get("title"), each["text"], sep) for each in corpus]


def _join(title: str | None, text: str, sep: str) -> str:
    return ((title or "") + sep + text).strip()


def export(
    encoder: str | LoadedEncoder | Encoder,
    sep: str,
    query_language: str | None,
    passage_language: str | None,
    options: Mapping[str, Any],
) -> HarnessModel:
    """What `harness_beir.as_beir_model` returns."""
    if isinstance(encoder, str):
        found: Any = load_encoder(encoder, options).model
    elif options:
        raise UsageError("options go with the name of an encoder, not with a loaded one")
    else:
        found = encoder.model if isinstance(encoder, LoadedEncoder) else encoder
    if not isinstance(found, Encoder):
        raise UsageError(
            f"{type(found).__name__} has no vectors, and BEIR's dense search needs them",
            "A searcher runs in mteb through harness_mteb.as_mteb_model.",
        )
    return HarnessModel(found, sep, query_language, passage_language)
