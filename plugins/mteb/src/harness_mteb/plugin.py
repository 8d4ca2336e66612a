"""The plugin module: light, because it is imported whenever encoders are listed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.plugins import EncoderOptions, EncoderSpec, TrainingDatasets, hookimpl


class MtebOptions(EncoderOptions):
    """Options that all three kinds take."""

    model: str = Field(min_length=1, description="a name of mteb's registry, a folder, or a Hugging Face hub id")
    name: str | None = Field(None, min_length=1, description="label of the rows; default: the name of the model")
    revision: str | None = Field(None, min_length=1, description="commit of a hub model; mteb pins those it registers")
    task: str | None = Field(None, min_length=1, description="mteb task whose prompts to use; default: any retrieval")
    device: str = Field("auto", description="auto (mteb decides), cpu, cuda, cuda:1 or mps")
    batch_size: int = Field(32, ge=1, description="texts in one batch; changes speed alone")
    trust_remote_code: bool = Field(False, description="allow a model that runs code of its own from the hub")
    training_datasets: TrainingDatasets = None


class MtebEncoderOptions(MtebOptions):
    """Options of `mteb`."""

    similarity: Literal["cosine", "dot"] | None = Field(None, description="how vectors compare; default: as in mteb")
    embed_dim: int | None = Field(None, ge=1, description="dimensions, for models that may be truncated")


@hookimpl
def harness_encoders() -> list[EncoderSpec]:
    """Three kinds of models that mteb has: encoders, those that search by themselves, and cross-encoders."""
    return [
        EncoderSpec(
            name="mteb",
            factory="harness_mteb.encoder:MtebEncoder",
            options=MtebEncoderOptions,
            summary="any encoder that mteb can load, with mteb's prompts and pinned revision",
        ),
        EncoderSpec(
            name="mteb-searcher",
            factory="harness_mteb.searcher:MtebSearcher",
            options=MtebOptions,
            kind="searcher",
            summary="any mteb model that searches by itself: sparse, late interaction, BM25",
        ),
        EncoderSpec(
            name="mteb-reranker",
            factory="harness_mteb.reranker:MtebReranker",
            options=MtebOptions,
            kind="reranker",
            summary="any cross-encoder that mteb can load",
        ),
    ]
