"""mteb's models in lamir-harness, and the harness's models in mteb.

>>> import mteb, harness_mteb
>>> model = harness_mteb.as_mteb_model("hashing")
>>> mteb.evaluate(model, mteb.get_task("MIRACLRetrievalHardNegatives"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import LoadedEncoder
    from harness.encoders.protocols import Encoder, Reranker, Searcher
    from harness_mteb.export import MtebModel

__all__ = ["as_mteb_model"]


def as_mteb_model(
    model: str | LoadedEncoder | Encoder | Searcher | Reranker,
    /,
    *,
    passage_template: str | None = None,
    **options: Any,
) -> MtebModel:
    r"""A model of the harness as `mteb.evaluate` accepts it.

    `model` is a name as `harness encoders` lists it, loaded with `options`; what `harness.load_encoder` returns; or an
    object of one's own. An encoder satisfies mteb's `EncoderProtocol`, a searcher its `SearchProtocol`, a reranker its
    `CrossEncoderProtocol`.

    A document is read as mteb joins it: title, space and text, stripped at the ends. `passage_template`
    (`"{title}\n{text}"`) joins it otherwise, which results then record.

    Raises UsageError for an unknown name, options without a name, a template without `{text}`, or an object that is
    none of the three.
    """
    from harness_mteb.export import export

    return export(model, passage_template, options)
