"""The plugin module: light, because it is imported whenever encoders are listed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from harness.plugins import EncoderOptions, EncoderSpec, TrainingDatasets, hookimpl


class BeirOptions(EncoderOptions):
    """Options of `beir`."""

    model: str = Field(min_length=1, description="a folder, or package.module:attribute of a model, class or function")
    arguments: dict[str, Any] = Field({}, description="keyword arguments of that class or function, as JSON")
    name: str | None = Field(None, min_length=1, description="label of the rows; default: the folder or the attribute")
    version: str = Field("", description="change it when weights change that the harness cannot see")
    similarity: Literal["cosine", "dot"] = Field("cosine", description="BEIR's score function: cos_sim or dot")
    batch_size: int = Field(128, ge=1, description="texts in one batch; changes speed alone")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 or mps; for folders alone")
    training_datasets: TrainingDatasets = None


@hookimpl
def harness_encoders() -> list[EncoderSpec]:
    """One encoder, for whatever model its options name."""
    return [
        EncoderSpec(
            name="beir",
            factory="harness_beir.encoder:BeirEncoder",
            options=BeirOptions,
            summary="any model with BEIR's encode_queries and encode_corpus, by reference or folder",
        )
    ]
