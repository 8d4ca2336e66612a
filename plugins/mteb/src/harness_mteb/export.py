"""The harness's models as mteb's: encoder, searcher and reranker, each with the protocol mteb has for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from mteb._create_dataloaders import create_dataloader
from mteb.similarity_functions import cos_sim, dot_score, pairwise_cos_sim, pairwise_dot_score
from mteb.types import PromptType

from harness.api import LoadedEncoder, load_encoder
from harness.encoders.protocols import Encoder, FloatArray, Reranker, Role, Searcher
from harness.engine.encode import encode_checked
from harness.errors import UsageError
from harness.plugins.loading import instantiate, validate_options
from harness.plugins.manager import default_registry
from harness_mteb.languages import to_tag
from harness_mteb.metadata import model_meta


class HarnessEncoder:
    """An encoder of the harness with mteb's `EncoderProtocol`.

    A text of a task without prompt types (clustering, similarity) is read as a query. The language is that of the
    subset where it has one, and unknown where it has two.
    """

    def __init__(self, encoder: Encoder, passage_template: str | None = None) -> None:
        self.encoder = encoder
        self._template = passage_template
        self.mteb_model_meta = model_meta(encoder.info, "dense", passage_template)
        cosine = encoder.info.similarity == "cosine"
        self._all, self._pairwise = (cos_sim, pairwise_cos_sim) if cosine else (dot_score, pairwise_dot_score)

    def encode(
        self,
        inputs: Any,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        prompt_type: PromptType | None = None,
        **kwargs: Any,
    ) -> FloatArray:
        """Vectors (texts, dim) float32 of every text that `inputs`, a data loader, gives, in order.

        Raises EncoderContractError when the encoder breaks its contract.
        """
        role: Role = "passage" if prompt_type == PromptType.document else "query"
        texts = [text for batch in inputs for text in _texts(batch, role, self._template)]
        return encode_checked(self.encoder, texts, role=role, language=_language(task_metadata, hf_subset))

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Scores (n, m) of vectors (n, dim) and (m, dim), a torch tensor."""
        return self._all(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Scores (n,) of vectors (n, dim) and (n, dim), a torch tensor."""
        return self._pairwise(embeddings1, embeddings2)


class HarnessSearcher:
    """A searcher of the harness with mteb's `SearchProtocol`."""

    def __init__(self, searcher: Searcher, passage_template: str | None = None) -> None:
        self.searcher = searcher
        self._template = passage_template
        self._ids: list[str] = []
        self.mteb_model_meta = model_meta(searcher.info, "sparse", passage_template)

    def index(
        self,
        corpus: Any,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        encode_kwargs: Mapping[str, Any],
        num_proc: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Index `corpus`, a data set with id, title and text."""
        self._ids = [str(name) for name in corpus["id"]]
        loader = create_dataloader(corpus, task_metadata=task_metadata, prompt_type=PromptType.document)
        texts = [text for batch in loader for text in _texts(batch, "passage", self._template)]
        self.searcher.index(texts, language=_language(task_metadata, hf_subset))

    def search(
        self,
        queries: Any,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        top_k: int,
        encode_kwargs: Mapping[str, Any],
        top_ranked: Mapping[str, Sequence[str]] | None = None,
        num_proc: int | None = None,
        **kwargs: Any,
    ) -> dict[str, dict[str, float]]:
        """Query id → document id → score of the best `top_k`, of those in `top_ranked` where it is given."""
        names = [str(name) for name in queries["id"]]
        loader = create_dataloader(queries, task_metadata=task_metadata, prompt_type=PromptType.query)
        texts = [text for batch in loader for text in _texts(batch, "query", None)]
        k = len(self._ids) if top_ranked is not None else min(top_k, len(self._ids))
        positions, scores = self.searcher.search(texts, k, language=_language(task_metadata, hf_subset))
        found: dict[str, dict[str, float]] = {}
        for name, row, values in zip(names, np.asarray(positions), np.asarray(scores), strict=True):
            allowed = None if top_ranked is None else set(top_ranked.get(name, ()))
            hits = ((self._ids[at], float(value)) for at, value in zip(row, values, strict=True) if at >= 0)
            kept = [(document, score) for document, score in hits if allowed is None or document in allowed]
            found[name] = dict(kept[:top_k])
        return found


class HarnessReranker:
    """A reranker of the harness with mteb's `CrossEncoderProtocol`."""

    def __init__(self, reranker: Reranker, passage_template: str | None = None) -> None:
        self.reranker = reranker
        self._template = passage_template
        self.mteb_model_meta = model_meta(reranker.info, "cross-encoder", passage_template)

    def predict(
        self,
        inputs1: Any,
        inputs2: Any,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        prompt_type: PromptType | None = None,
        **kwargs: Any,
    ) -> FloatArray:
        """Scores (n,) float32 of the n queries of `inputs1` with the n documents of `inputs2`."""
        queries = [text for batch in inputs1 for text in _texts(batch, "query", None)]
        passages = [text for batch in inputs2 for text in _texts(batch, "passage", self._template)]
        language = _language(task_metadata, hf_subset)
        scores = self.reranker.score(
            list(zip(queries, passages, strict=True)), query_language=language, passage_language=language
        )
        return np.asarray(scores, dtype=np.float32)


MtebModel: TypeAlias = HarnessEncoder | HarnessSearcher | HarnessReranker


def export(
    model: str | LoadedEncoder | Encoder | Searcher | Reranker, passage_template: str | None, options: Mapping[str, Any]
) -> MtebModel:
    """What `harness_mteb.as_mteb_model` returns."""
    _check_template(passage_template)
    if isinstance(model, str):
        found: Any = _load(model, options)
    elif options:
        raise UsageError("options go with the name of a model, not with a loaded one")
    else:
        found = model.model if isinstance(model, LoadedEncoder) else model
    if isinstance(found, Encoder):
        return HarnessEncoder(found, passage_template)
    if isinstance(found, Searcher):
        return HarnessSearcher(found, passage_template)
    if isinstance(found, Reranker):
        return HarnessReranker(found, passage_template)
    raise UsageError(
        f"{type(found).__name__} is neither an Encoder, nor a Searcher, nor a Reranker",
        "A composition, such as rrf(bm25, lamir), runs in the harness alone.",
    )


def _load(name: str, options: Mapping[str, Any]) -> Any:
    """The model called `name`; rerankers too, which `load_encoder` refuses because they cannot run alone."""
    for entry in default_registry().encoders():
        if entry.spec.kind == "reranker" and name in (entry.spec.name, entry.qualified_name):
            return instantiate(entry, validate_options(entry, options))
    return load_encoder(name, options).model


def _texts(batch: Mapping[str, Any], role: Role, template: str | None) -> Iterator[str]:
    """The texts of one batch: as mteb joined them, or title and body by `template`."""
    if "text" not in batch:
        raise UsageError(f"models of the harness read text, and this task has {', '.join(sorted(batch))}")
    if role == "query" or template is None:
        yield from batch["text"]
        return
    bodies = batch.get("body", batch["text"])
    titles = batch.get("title") or [""] * len(bodies)
    for title, body in zip(titles, bodies, strict=True):
        yield template.format(title=title or "", text=body).strip()


def _language(task: Any, subset: str) -> str | None:
    """The BCP 47 tag of the one language a subset has."""
    codes = task.hf_subsets_to_langscripts
    tags = {to_tag(code) for code in codes.get(subset, codes.get("default", ()))}
    return tags.pop() if len(tags) == 1 else None


def _check_template(template: str | None) -> None:
    try:
        filled = "\0" if template is None else template.format(title="", text="\0")
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise UsageError(
            f"passage template {template!r} cannot be filled in: {error}", "Use {title} and {text}."
        ) from error
    if "\0" not in filled:
        raise UsageError(f"passage template {template!r} leaves out the text", "Use {title} and {text}.")
