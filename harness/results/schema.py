"""The result schema: one file for each encoder, task and split, complete enough to be checked by a stranger.

Scores are fractions. Times are seconds, memory is bytes. The JSON Schema generated from these models is published as
`docs/result.schema.json`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: ok: scored on all queries. partial: `--limit` was given. failed: an error ended it. declined: the encoder does not
#: take this subset. A subset that is not there at all is *missing*, which is a fourth thing.
Status = Literal["ok", "partial", "failed", "declined"]

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class AverageCard(_Model):
    """A frozen set of subsets and the title its mean is shown under."""

    title: str
    subsets: tuple[str, ...]


class TaskCard(_Model):
    """What a board must know of a task, so that results can be read without the code that made them."""

    name: str
    title: str
    family: str
    version: str
    source: str
    variant: str = ""
    main_metric: str
    metrics: tuple[str, ...]
    subsets: dict[str, str] = Field(description="every subset of the task, in order, and the split it is reported on")
    averages: tuple[AverageCard, ...]
    passage_template: str
    lowercase: str = Field(default="", description="capitals made small before encoding: none, 'ascii' or 'unicode'")
    licence: str
    url: str
    citation: str


class EncoderCard(_Model):
    """The encoder, down to the bytes of its weights.

    `kind` is encoder, searcher, fusion or reranked. Of the last two, `name` and `spec` are the expression, by the names
    of rows and by the names asked for; `options` are by the label of each part; `dim` is 0 and `similarity` dot.
    """

    name: str = Field(description="label of its rows")
    spec: str = Field(description="name it was asked for by")
    distribution: str
    version: str
    kind: str
    options: dict[str, Any]
    fingerprint: str = Field(description="SHA-256 of weights, tokenizer and every option that changes a vector")
    dim: int
    max_tokens: int | None
    similarity: str
    prompts: dict[str, str]
    model: str | None
    revision: str | None
    licence: str | None
    training_datasets: tuple[str, ...] | None = Field(
        description="names of what it was trained on, [] for nothing, null where nobody has stated it"
    )
    device: str
    dtype: str
    parts: dict[str, EncoderCard] = Field(
        default_factory=dict, description="of a fusion or a reranking, the cards of what it is made of, by label"
    )


class Counts(_Model):
    """How much the scores stand on."""

    queries: int = Field(description="queries of the split that have judgements or answers")
    scored: int = Field(description="queries the main metric is averaged over: without repeats and unscorable ones")
    passages: int
    judgements: int
    relevant: int = Field(description="judgements with a positive grade")


class Timings(_Model):
    """Seconds by phase. Vectors that were in the store already cost no encoding."""

    encode: float
    search: float
    score: float
    encoded_texts: int


class PerQuery(_Model):
    """Per-query scores as parallel lists: `values[measure][i]` belongs to `ids[i]`."""

    ids: tuple[str, ...]
    values: dict[str, tuple[float, ...]]

    @model_validator(mode="after")
    def _parallel(self) -> PerQuery:
        if any(len(values) != len(self.ids) for values in self.values.values()):
            raise ValueError("per-query values and ids differ in length")
        return self


class SubsetResult(_Model):
    """One scored subset."""

    status: Status
    split: str
    metrics: dict[str, Fraction] = Field(default_factory=dict)
    counts: Counts | None = None
    per_query: dict[str, PerQuery] = Field(
        default_factory=dict, description="by kind of measure: 'ranking' over judged, 'answers' over answerable queries"
    )
    tuned: dict[str, float] = Field(
        default_factory=dict, description="options that were chosen on the dev split of this subset: 'label.option'"
    )
    data: str = Field(description="SHA-256 of corpus, queries, judgements and answers")
    origin: str | None = Field(default=None, description="repositories and revisions that the data was fetched from")
    identity: str = Field(description="SHA-256 of everything the scores depend on; decides whether to compute again")
    limit: int | None = None
    error: str | None = None
    timings: Timings | None = None
    peak_memory: int | None = Field(default=None, description="peak resident memory of the process so far, bytes")


class Provenance(_Model):
    """The software and machine of the last run that wrote to the file."""

    harness: str
    python: str
    platform: str
    processor: str
    packages: dict[str, str]
    source_revision: str | None
    seed: int | None = None
    written: str = Field(description="UTC, ISO 8601")


class ResultFile(_Model):
    """One encoder on one task and split."""

    schema_version: Literal[1] = 1
    task: TaskCard
    split: str
    encoder: EncoderCard
    provenance: Provenance
    subsets: dict[str, SubsetResult]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a result file, as published in `docs/result.schema.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **ResultFile.model_json_schema()}
