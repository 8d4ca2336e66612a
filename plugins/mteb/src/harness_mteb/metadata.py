"""The `ModelMeta` under which mteb files the results of a model of the harness."""

from __future__ import annotations

from typing import Any

from mteb.models.model_meta import ModelMeta, ScoringFunction

from harness._util.names import file_slug
from harness.encoders.protocols import EncoderInfo
from harness_mteb.languages import to_codes

#: Digits of the fingerprint that stand where mteb expects a commit.
_REVISION = 40


def model_meta(info: EncoderInfo, kind: str, passage_template: str | None) -> Any:
    """What mteb is told of a model: its name, and its fingerprint as the revision.

    mteb takes a result that is in its cache for that of any model with the same name, revision and experiment, so the
    revision changes whenever weights or options do, and the passage template is an experiment. `kind` is one of
    mteb's model types.
    """
    facts: dict[str, Any] = {
        "name": f"lamir-harness/{file_slug(info.name)}",
        "revision": info.fingerprint[:_REVISION],
        "languages": to_codes(info.languages),
        "max_tokens": None if info.max_tokens is None else float(info.max_tokens),
        "embed_dim": info.dim or None,
        "similarity_fn_name": ScoringFunction.from_str(info.similarity) if info.dim else None,
        "training_datasets": None if info.training_datasets is None else set(info.training_datasets),
        "model_type": [kind],
        "use_instructions": bool(info.prompts),
        "experiment_kwargs": None if passage_template is None else {"passage_template": passage_template},
    }
    return ModelMeta.create_empty(facts)
