"""The core's own encoders, declared the way a third party declares hers."""

from __future__ import annotations

from pydantic import Field

from harness.plugins import EncoderOptions, EncoderSpec, hookimpl


class RandomOptions(EncoderOptions):
    """Options of `random`."""

    dim: int = Field(64, ge=1, le=65_536, description="dimensions of the vectors")
    seed: int = Field(0, ge=0, description="changes every vector")


class HashingOptions(EncoderOptions):
    """Options of `hashing`."""

    dim: int = Field(1024, ge=1, le=65_536, description="number of hash buckets")
    min_n: int = Field(3, ge=1, le=16, description="shortest character n-gram")
    max_n: int = Field(5, ge=1, le=16, description="longest character n-gram")


@hookimpl
def harness_encoders() -> list[EncoderSpec]:
    """The two reference encoders: the floor of every board, and a baseline without a single learned weight."""
    return [
        EncoderSpec(
            name="random",
            factory="harness.encoders.random:RandomEncoder",
            options=RandomOptions,
            training_datasets=(),
            summary="a seeded random vector for each text: what chance scores",
        ),
        EncoderSpec(
            name="hashing",
            factory="harness.encoders.hashing:HashingEncoder",
            options=HashingOptions,
            training_datasets=(),
            summary="hashed character n-grams, nothing learned: what shared spelling scores",
        ),
    ]
