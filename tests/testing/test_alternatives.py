"""Other values for options, from the schema: near by, valid, and never the present one."""

from __future__ import annotations

import enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError, create_model, model_validator

from harness.plugins import EncoderOptions
from harness.testing.checks.alternatives import alternatives


class Pool(enum.Enum):
    """A way of pooling."""

    MEAN = "mean"
    CLS = "cls"


class Options(EncoderOptions):
    """One option of every type."""

    flag: bool = False
    maybe: bool | None = None
    mode: Literal["a", "b", "c"] = "b"
    pool: Pool = Pool.MEAN
    count: int = Field(1, ge=1)
    top: int = Field(8, ge=8, le=8)
    length: int | None = Field(None, ge=2)
    share: float = Field(0.5, ge=0, le=1)
    width: Annotated[int, Field(ge=4)] = 4
    text: str = "text"
    prompt: str | None = None
    names: tuple[str, ...] = ()
    pace: float | None = Field(None, gt=0, json_schema_extra={"changes_answers": False})
    depth: int = Field(2, ge=2, le=3, json_schema_extra={"changes_answers": True})
    model: str


def test_every_type_that_can_be_derived() -> None:
    """Opposites, other members, numbers near by within bounds.

    Nothing for free text, where bounds leave nothing, and for what is declared to change no answer.
    """
    found = alternatives(Options, {"model": "m"})
    assert found == {
        "flag": [[True]],
        "maybe": [[True]],
        "mode": [["a"], ["c"]],
        "pool": [[Pool.CLS]],
        "count": [[2]],
        "length": [[16, 2]],
        "share": [[0.85, 0.25, 0.6, 0.4]],
        "width": [[5, 8]],
        "depth": [[3]],
    }


def test_what_was_given_counts_as_present() -> None:
    """Values from the command line are strings; the other values are other than what they mean."""
    found = alternatives(Options, {"model": "m", "count": "5", "mode": "a", "flag": "true", "length": "9"})
    assert found["count"] == [[6, 4, 10, 2]]
    assert found["mode"] == [["b"], ["c"]]
    assert found["flag"] == [[False]]
    assert found["length"] == [[10, 8, 18, 4]]


def test_rules_over_several_options_are_kept() -> None:
    """A value that the model refuses beside the others is none."""

    class Ordered(EncoderOptions):
        low: int = 3
        high: int = 4

        @model_validator(mode="after")
        def ordered(self) -> Ordered:
            """Low before high."""
            if self.low >= self.high:
                raise ValueError("low must be below high")
            return self

    assert alternatives(Ordered, {}) == {"low": [[2, 1]], "high": [[5, 8]]}


def test_refused_options_have_no_alternatives() -> None:
    """Options that are refused as they are raise pydantic's own error."""
    with pytest.raises(ValidationError):
        alternatives(Options, {})


@given(
    kind=st.sampled_from([int, float, bool, Literal["a", "b"]]),
    present=st.integers(-50, 50),
    bounds=st.tuples(st.integers(-60, -50), st.integers(50, 60)),
)
def test_alternatives_are_valid_and_other(kind: Any, present: int, bounds: tuple[int, int]) -> None:
    """Whatever type and value: each alternative loads, and is not what was there."""
    limits = {"ge": bounds[0], "le": bounds[1]} if kind in (int, float) else {}
    value = {bool: present % 2 == 0, int: present, float: float(present)}.get(kind, "a")
    model = create_model("Model", __base__=EncoderOptions, option=(kind, Field(value, **limits)))
    found = alternatives(model, {})["option"]
    assert found
    for other in (other for group in found for other in group):
        assert model(option=other).option == other != value
