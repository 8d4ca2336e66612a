"""The plugin module: light, because it is imported whenever encoders are listed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.plugins import EncoderOptions, EncoderSpec, hookimpl


class Bm25Options(EncoderOptions):
    """Options of `bm25`."""

    name: str = Field("bm25", min_length=1, description="label of the rows")
    method: Literal["lucene", "robertson", "atire"] = Field("lucene", description="variant of the formula")
    k1: float = Field(
        1.2, ge=0, allow_inf_nan=False, description="how slowly repeated words saturate; 0: presence alone"
    )
    b: float = Field(0.75, ge=0, le=1, description="how much long passages pay for their length; 0: nothing")
    stemming: bool = Field(True, description="Snowball stems, in the languages that have them")
    stopwords: bool = Field(False, description="leave out stop words, in the languages bm25s has a list for")
    ja: Literal["bigrams", "fugashi"] = Field("bigrams", description="how Japanese passages are cut into words")
    ko: Literal["bigrams", "kiwi"] = Field("bigrams", description="how Korean passages are cut into words")


@hookimpl
def harness_encoders() -> list[EncoderSpec]:
    """One searcher, for every language."""
    return [
        EncoderSpec(
            name="bm25",
            factory="harness_bm25.searcher:Bm25Searcher",
            options=Bm25Options,
            summary="BM25 (bm25s) with an analysis for each language: stems, Thai words, character bigrams",
            kind="searcher",
            training_datasets=(),
        )
    ]
