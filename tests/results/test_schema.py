"""The result schema: what it refuses, and that the published JSON Schema is the one the models generate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

import harness
from harness.results.schema import ResultFile, SubsetResult, json_schema
from harness.results.store import dump


def test_the_published_schema_is_the_generated_one(repository: Path) -> None:
    """docs/result.schema.json says exactly what the code accepts."""
    published = json.loads((repository / "docs" / "result.schema.json").read_text("utf-8"))
    assert published == json_schema()
    jsonschema.Draft202012Validator.check_schema(published)


def test_a_real_result_is_valid(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """A stranger can check a file with the published schema and any JSON Schema validator."""
    select = harness.Selection(tasks=("xor-tydi/te", "miracl/sw"))
    evaluation = harness.evaluate(toy_encoder(), select=select, settings=harness.Settings(tmp_path / "out"))
    assert len(evaluation.paths) == 2
    for path in evaluation.paths:
        jsonschema.validate(json.loads(path.read_text("utf-8")), json_schema())


@pytest.mark.parametrize("status", ["failed", "declined", "partial", 0.25])
def test_results_of_every_status_are_valid(status: str | float, make_result: Callable[..., ResultFile]) -> None:
    """Scored, partial, failed and declined subsets all satisfy the published schema."""
    jsonschema.validate(json.loads(dump(make_result({"sw": status}))), json_schema())


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"surprise": 1},
        {"split": None},
        {"subsets": {"sw": {"status": "fine", "split": "dev", "data": "d", "identity": "i"}}},
        {"subsets": {"sw": {"status": "ok", "split": "dev", "data": "d"}}},
        {"subsets": {"sw": {"status": "ok", "split": "dev", "data": "d", "identity": "i", "metrics": {"x": 43.2}}}},
        {"subsets": {"sw": {"status": "ok", "split": "dev", "data": "d", "identity": "i", "metrics": {"x": -0.1}}}},
    ],
    ids=["version", "extra key", "no split", "unknown status", "no identity", "percent", "negative"],
)
def test_models_and_schema_refuse_the_same(change: dict[str, Any], make_result: Callable[..., ResultFile]) -> None:
    """What the code refuses to read, the published schema refuses as well."""
    value = {**json.loads(dump(make_result({"sw": 0.5}))), **change}
    with pytest.raises(ValidationError):
        ResultFile.model_validate_json(json.dumps(value))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, json_schema())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1.0000001, -1e-9])
def test_a_score_is_a_fraction(value: float) -> None:
    """NaN, infinity and anything outside [0, 1] is no score."""
    with pytest.raises(ValidationError):
        SubsetResult(status="ok", split="dev", data="d", identity="i", metrics={"ndcg@10": value})


def test_per_query_lists_must_be_parallel() -> None:
    """A list of values that is shorter than the ids is refused: nobody could say which query is missing."""
    lists = {"ids": ("a", "b"), "values": {"ndcg@10": (0.5,)}}
    with pytest.raises(ValidationError, match="length"):
        SubsetResult.model_validate(
            {"status": "ok", "split": "dev", "data": "d", "identity": "i", "per_query": {"ranking": lists}}
        )


def test_results_cannot_be_changed(make_result: Callable[..., ResultFile]) -> None:
    """A result that was read is what was measured."""
    with pytest.raises(ValidationError):
        make_result({"sw": 0.5}).split = "test"
