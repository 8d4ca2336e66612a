"""The plugin module: light, because it is imported whenever encoders are listed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.plugins import EncoderOptions, EncoderSpec, hookimpl


class SentenceTransformerOptions(EncoderOptions):
    """Options of `sentence-transformers`."""

    model: str = Field(min_length=1, description="a folder, or a model id of the Hugging Face hub")
    name: str | None = Field(None, min_length=1, description="label of the rows; default: the name of the model")
    revision: str | None = Field(None, description="branch, tag or commit of a hub model; the commit is recorded")
    query_prompt: str | None = Field(None, description="text put before queries; default: the model's own")
    passage_prompt: str | None = Field(None, description="text put before passages; default: the model's own")
    max_tokens: int | None = Field(None, ge=1, description="length at which texts are cut; default: the model's own")
    normalize: bool = Field(True, description="scale vectors to unit length (cosine); false for dot-product models")
    batch_size: int = Field(64, ge=1, description="texts in one batch; changes speed alone")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="precision of the weights")
    trust_remote_code: bool = Field(False, description="run code that ships with the model; needs a commit as revision")


@hookimpl
def harness_encoders() -> list[EncoderSpec]:
    """One encoder, for whatever model its options name."""
    return [
        EncoderSpec(
            name="sentence-transformers",
            factory="harness_sentence_transformers.encoder:SentenceTransformerEncoder",
            options=SentenceTransformerOptions,
            summary="any sentence-transformers or Hugging Face bi-encoder, by folder or hub id",
        )
    ]
