"""The plugin module: light, because it is imported whenever encoders are listed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.plugins import EncoderOptions, EncoderSpec, TrainingDatasets, hookimpl


class SentenceTransformerOptions(EncoderOptions):
    """Options of `sentence-transformers`."""

    model: str = Field(min_length=1, description="a folder, or a model id of the Hugging Face hub")
    name: str | None = Field(None, min_length=1, description="label of the rows; default: the name of the model")
    revision: str | None = Field(None, description="branch, tag or commit of a hub model; the commit is recorded")
    query_prompt: str | None = Field(None, description="text put before queries; default: the model's own")
    passage_prompt: str | None = Field(None, description="text put before passages; default: the model's own")
    query_prompt_name: str | None = Field(None, description="which of the model's prompts goes before queries")
    passage_prompt_name: str | None = Field(None, description="which of the model's prompts goes before passages")
    max_tokens: int | None = Field(None, ge=1, description="length at which texts are cut; default: the model's own")
    dim: int | None = Field(None, ge=1, description="keep the first numbers of each vector only (Matryoshka models)")
    normalize: bool = Field(True, description="scale vectors to unit length (cosine); false for dot-product models")
    batch_size: int = Field(64, ge=1, description="texts in one batch; changes speed alone")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="precision of the weights")
    backend: Literal["torch", "onnx", "openvino"] = Field(
        "torch", description="what runs the transformer; onnx and openvino run on the CPU"
    )
    quantization: Literal["none", "int8"] = Field("none", description="int8 needs backend=onnx or openvino")
    trust_remote_code: bool = Field(False, description="run code that ships with the model; needs a commit as revision")
    training_datasets: TrainingDatasets = None


class _ModelOptions(EncoderOptions):
    """What the sparse encoder and the cross-encoder share."""

    model: str = Field(min_length=1, description="a folder, or a model id of the Hugging Face hub")
    name: str | None = Field(None, min_length=1, description="label of the rows; default: the name of the model")
    revision: str | None = Field(None, description="branch, tag or commit of a hub model; the commit is recorded")
    max_tokens: int | None = Field(None, ge=1, description="length at which inputs are cut; default: the model's own")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="precision of the weights")
    trust_remote_code: bool = Field(False, description="run code that ships with the model; needs a commit as revision")
    training_datasets: TrainingDatasets = None


class SparseEncoderOptions(_ModelOptions):
    """Options of `sparse-encoder`."""

    query_prompt: str | None = Field(None, description="text put before queries; default: the model's own")
    passage_prompt: str | None = Field(None, description="text put before passages; default: the model's own")
    query_max_active_dims: int | None = Field(
        None, ge=1, description="keep this many of a query's greatest weights; default: the model's own, mostly all"
    )
    passage_max_active_dims: int | None = Field(
        None, ge=1, description="keep this many of a passage's greatest weights; default: the model's own, mostly all"
    )
    batch_size: int = Field(
        16, ge=1, description="texts in one batch; its logits, tokens × vocabulary, take the memory"
    )


class CrossEncoderOptions(_ModelOptions):
    """Options of `cross-encoder`."""

    prompt: str | None = Field(
        None, description="text put before queries, or a chat model's system message; default: its own"
    )
    label: str | None = Field(
        None, description="which label means relevant, by number or name; for models with several"
    )
    scale: Literal["logit", "probability"] = Field(
        "logit", description="logit, or its sigmoid: the same ranking, but float32 ties what is very probable"
    )
    batch_size: int = Field(32, ge=1, description="pairs in one batch; changes speed alone")


@hookimpl
def harness_encoders() -> list[EncoderSpec]:
    """One encoder, for whatever model its options name."""
    return [
        EncoderSpec(
            name="sentence-transformers",
            factory="harness_sentence_transformers.encoder:SentenceTransformerEncoder",
            options=SentenceTransformerOptions,
            summary="any sentence-transformers or Hugging Face bi-encoder, by folder or hub id",
        ),
        EncoderSpec(
            name="sparse-encoder",
            factory="harness_sentence_transformers.sparse:SparseSearcher",
            options=SparseEncoderOptions,
            kind="searcher",
            summary="any learned sparse model (SPLADE and its kin) of sentence-transformers, searched exactly",
        ),
        EncoderSpec(
            name="cross-encoder",
            factory="harness_sentence_transformers.cross_encoder:CrossEncoderReranker",
            options=CrossEncoderOptions,
            kind="reranker",
            summary="any cross-encoder of sentence-transformers or Hugging Face, as a second stage",
        ),
    ]
