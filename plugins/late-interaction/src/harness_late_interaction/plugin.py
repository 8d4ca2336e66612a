"""The plugin module: light, because it is imported whenever encoders are listed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.plugins import EncoderOptions, EncoderSpec, TrainingDatasets, hookimpl


class LateInteractionOptions(EncoderOptions):
    """Options of `late-interaction` and of `maxsim`."""

    model: str = Field(min_length=1, description="a folder, or a model id of the Hugging Face hub")
    name: str | None = Field(None, min_length=1, description="label of the rows; default: the name of the model")
    revision: str | None = Field(None, description="branch, tag or commit of a hub model; the commit is recorded")
    query_length: int | None = Field(
        None,
        ge=4,
        description="tokens at which queries are cut, and to which they are filled; default: the model's own",
    )
    passage_length: int | None = Field(
        None, ge=4, description="tokens at which passages are cut; default: the model's own"
    )
    expand_queries: bool | None = Field(
        None, description="fill queries with [MASK] up to query_length; default: what the model was trained with"
    )
    skip_punctuation: bool | None = Field(
        None, description="leave punctuation out of passages when matching; default: what the model was trained with"
    )
    query_language: str | None = Field(
        None, description="language of every query (BCP 47), for X-MOD's adapters; default: what the run says, else en"
    )
    passage_language: str | None = Field(
        None,
        description="language of every passage (BCP 47), for X-MOD's adapters; default: what the run says, else en",
    )
    storage: Literal["float32", "float16"] = Field("float32", description="precision of stored passage vectors")
    memory: int = Field(512, ge=1, description="MiB for blocks of vectors and scores, besides the model; speed alone")
    scratch: str | None = Field(
        None, description="folder for the temporary file of passage vectors; default: the harness cache"
    )
    batch_tokens: int = Field(16_384, ge=1, description="tokens in one batch, padding included; changes speed alone")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="precision of the weights")
    training_datasets: TrainingDatasets = None


@hookimpl
def harness_encoders() -> list[EncoderSpec]:
    """The searcher over a whole corpus, and the reranker of another's hits."""
    return [
        EncoderSpec(
            name="late-interaction",
            factory="harness_late_interaction.searcher:LateInteractionSearcher",
            options=LateInteractionOptions,
            kind="searcher",
            summary="exact ColBERT-style MaxSim over token vectors: ColBERT, ColBERT-XM, PyLate or any encoder",
        ),
        EncoderSpec(
            name="maxsim",
            factory="harness_late_interaction.reranker:MaxSimReranker",
            options=LateInteractionOptions,
            kind="reranker",
            summary="ColBERT-style MaxSim of the hits of another encoder",
        ),
    ]
