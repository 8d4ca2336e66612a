"""The plugin module: light, because it is imported whenever encoders are listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from harness.plugins import EncoderOptions, EncoderSpec, hookimpl


class XqgOptions(EncoderOptions):
    """Options of `xqg`."""

    queries: Path = Field(description="JSONL file, plain or gzipped: a passage or docid and its queries in each line")
    encoder: str = Field(min_length=1, description="name of the encoder whose vectors are augmented")
    encoder_options: dict[str, Any] = Field(default_factory=dict, description="its options, as a JSON object")
    alpha: float = Field(0.01, ge=0, le=1, description="weight of the queries; 0 leaves passages as they are")
    corpus: Path | None = Field(None, description="corpus.jsonl in BEIR's layout, for a query file that names docids")
    passage_template: str = Field("{text}", description="how the task makes title and text of the corpus a passage")
    missing: Literal["error", "keep"] = Field("error", description="a passage without queries: an error, or kept as is")
    generator_training: tuple[str, ...] | None = Field(
        None, description='what the query generator was trained on, as a JSON list ("[]": nothing); unknown by default'
    )


@hookimpl
def harness_encoders() -> list[EncoderSpec]:
    """One encoder, around whatever encoder its options name."""
    return [
        EncoderSpec(
            name="xqg",
            factory="harness_xqg.encoder:XqgEncoder",
            options=XqgOptions,
            summary="any encoder, its passages augmented with queries that somebody generated for them",
        )
    ]
