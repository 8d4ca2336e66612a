"""Models with BEIR's dense interface in lamir-harness, and the harness's encoders in BEIR.

>>> from beir.retrieval.search.dense import DenseRetrievalExactSearch
>>> import harness_beir
>>> search = DenseRetrievalExactSearch(harness_beir.as_beir_model("hashing"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import LoadedEncoder
    from harness.encoders.protocols import Encoder
    from harness_beir.export import HarnessModel

__all__ = ["as_beir_model"]


def as_beir_model(
    encoder: str | LoadedEncoder | Encoder,
    /,
    *,
    sep: str = " ",
    query_language: str | None = None,
    passage_language: str | None = None,
    **options: Any,
) -> HarnessModel:
    """An encoder of the harness with BEIR's `encode_queries` and `encode_corpus`.

    `encoder` is a name as `harness encoders` lists it, loaded with `options`; what `harness.load_encoder` returns; or
    an object of one's own. Title and text are joined with `sep`, as BEIR's own models join them. BEIR knows no
    languages: an encoder that uses them is told the two BCP 47 tags given here.

    Raises UsageError for an unknown name, options without a name, or a model that has no vectors.
    """
    from harness_beir.export import export

    return export(encoder, sep, query_language, passage_language, options)
