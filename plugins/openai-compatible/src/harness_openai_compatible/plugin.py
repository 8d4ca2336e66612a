"""The plugin module: light, because it is imported whenever encoders are listed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from harness.plugins import EncoderOptions, EncoderSpec, TrainingDatasets, hookimpl

#: For the conformance kit, which would otherwise try half a token a minute.
_PACE: dict[str, Any] = {"changes_answers": False}


class OpenAICompatibleOptions(EncoderOptions):
    """Options of `openai-compatible`. The key is none of them: it is read from the environment, and only there."""

    base_url: str = Field(min_length=1, description="where the API is, up to and without /embeddings")
    model: str = Field(min_length=1, description="name of the model, as the server knows it")
    name: str | None = Field(None, min_length=1, description="label of the rows; default: the name of the model")
    revision: str | None = Field(None, description="what you know of the served version; change it when that changes")
    api_key_env: str = Field("OPENAI_API_KEY", min_length=1, description="environment variable that holds the key")
    api_key_header: str = Field("Authorization", min_length=1, description="header for the key; api-key for Azure")
    dimensions: int | None = Field(None, ge=1, description="length of vectors to ask for; default: the model's own")
    query_prompt: str = Field("", description="text put before queries")
    passage_prompt: str = Field("", description="text put before passages")
    query_body: dict[str, Any] = Field(default_factory=dict, description="JSON object of further fields for queries")
    passage_body: dict[str, Any] = Field(default_factory=dict, description="JSON object of further fields for passages")
    similarity: Literal["cosine", "dot"] = Field("cosine", description="how the model's vectors are compared")
    max_chars: int | None = Field(None, ge=1, description="characters at which texts are cut before they are sent")
    batch_size: int = Field(64, ge=1, le=2048, description="texts in one request")
    concurrency: int = Field(4, ge=1, le=64, description="requests under way at a time")
    requests_per_minute: float | None = Field(
        None, gt=0, description="limit on requests; default: none", json_schema_extra=_PACE
    )
    tokens_per_minute: float | None = Field(
        None, gt=0, description="limit on estimated tokens; default: none", json_schema_extra=_PACE
    )
    timeout: float = Field(60.0, gt=0, description="seconds without an answer after which a request is tried again")
    retries: int = Field(6, ge=0, le=20, description="further attempts at a request that failed for a passing reason")
    max_wait: float = Field(60.0, ge=0, description="longest pause between two attempts, in seconds")
    price: float | None = Field(None, ge=0, description="price of a million tokens, for the estimate before the start")
    max_cost: float | None = Field(None, ge=0, description="refuse to start if the estimate is higher; needs price")
    training_datasets: TrainingDatasets = None


@hookimpl
def harness_encoders() -> list[EncoderSpec]:
    """One encoder, for whatever endpoint its options name."""
    return [
        EncoderSpec(
            name="openai-compatible",
            factory="harness_openai_compatible.encoder:OpenAICompatibleEncoder",
            options=OpenAICompatibleOptions,
            summary="any HTTP endpoint that speaks OpenAI's embeddings API, local or paid for",
            needs=("perhaps $OPENAI_API_KEY",),
            expected_failures={"no-network": "every text is sent to a server, that is what it is for"},
        )
    ]
