"""What this distribution adds to the harness. Light on purpose: it imports no torch."""

from __future__ import annotations

from pydantic import Field

from harness.plugins import EncoderOptions, EncoderSpec, TrainerSpec, hookimpl

#: What the shipped checkpoint was trained on, as its recipe names the sources.
TRAINING_DATASETS = (
    "afriqa-train",
    "wordnet-definitions",
    "tatoeba",
    "tico-19",
    "quran-json",
    "open-multilingual-wordnet",
    "wikipedia-titles",
    "cldr",
    "openstreetmap-tagging",
)


class LamirOptions(EncoderOptions):
    """Options of the encoder `lamir`."""

    checkpoint: str | None = Field(
        default=None,
        description="folder written by `harness train lamir`; the shipped one by default",
    )
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:1 or mps")
    dtype: str = Field(default="auto", description="auto, float32, bfloat16 or float16")
    batch_tokens: int = Field(
        default=262_144,
        ge=1,
        description="features per batch, padding included; bounds the memory",
    )


@hookimpl
def harness_encoders() -> list[EncoderSpec]:
    """Declare the encoder `lamir`."""
    return [
        EncoderSpec(
            name="lamir",
            factory="harness_lamir.encoder:load",
            options=LamirOptions,
            training_datasets=TRAINING_DATASETS,
            summary="static multilingual bag of tokens and romanised n-grams, trained with LAMIR",
        )
    ]


@hookimpl
def harness_trainers() -> list[TrainerSpec]:
    """Declare the trainer `lamir`, the verb `harness train lamir`."""
    return [
        TrainerSpec(
            name="lamir",
            command="harness_lamir.cli:train",
            summary="train a static encoder with the IR, semantic and language losses of LAMIR",
        )
    ]
