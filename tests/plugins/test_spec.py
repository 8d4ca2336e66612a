"""Declarations: what is refused where it is written, and what is imported only when asked for."""

from __future__ import annotations

import dataclasses
import os.path
from collections import OrderedDict
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.plugins import EncoderOptions, EncoderSpec, TrainerSpec
from harness.plugins.spec import import_reference

_ALLOWED = "abcdefghijklmnopqrstuvwxyz0123456789._-"


def _spec(**changes: Any) -> EncoderSpec:
    return EncoderSpec(**{"name": "acme", "factory": "acme.encoder:Acme", "summary": "an encoder", **changes})


@given(st.text(_ALLOWED, max_size=8), st.sampled_from(_ALLOWED[:36]))
def test_names_that_are_taken(rest: str, first: str) -> None:
    """Lower-case letters, digits, dots, underscores and hyphens make a name, starting with a letter or a digit."""
    assert _spec(name=first + rest).name == first + rest
    assert TrainerSpec(first + rest, "acme:train", "a trainer").name == first + rest


@given(st.text(max_size=6).filter(lambda text: not text or text[0] in "._-" or set(text) - set(_ALLOWED)))
def test_names_that_are_refused(name: str) -> None:
    """Any other character, an empty name, or a name that starts with punctuation is an error that quotes the name."""
    for make in (lambda: _spec(name=name), lambda: TrainerSpec(name, "acme:train", "")):
        with pytest.raises(ValueError, match="lower-case letters") as caught:
            make()
        assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    "reference", ["acme", "acme:", ":Acme", "acme.:A", "acme:A b", "a-b:C", "acme:A:B", "acme/x:A", "1a:b", "", 3]
)
def test_references_that_are_refused(reference: Any) -> None:
    """A reference that does not read package.module:attribute is refused, in encoders and trainers."""
    with pytest.raises(ValueError, match=r"factory .* must read 'package.module:attribute'"):
        _spec(factory=reference)
    with pytest.raises(ValueError, match=r"command .* must read 'package.module:attribute'"):
        TrainerSpec("acme", reference, "")


@pytest.mark.parametrize("options", [dict, pydantic.BaseModel, EncoderOptions(), None])
def test_options_must_be_a_model_that_forbids_extras(options: Any) -> None:
    """Options are a subclass of EncoderOptions, and neither an instance nor a bare pydantic model."""
    with pytest.raises(ValueError, match=r"subclass of harness\.plugins\.EncoderOptions"):
        _spec(options=options)


def test_kind_must_be_known() -> None:
    """A kind that the engine cannot run is refused by name."""
    with pytest.raises(ValueError, match="'embedder' is none of encoder, searcher, reranker"):
        _spec(kind="embedder")


def test_declarations_are_frozen() -> None:
    """Nobody can change a declaration that others have read."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        _spec().name = "other"  # type: ignore[misc]
    with pytest.raises(pydantic.ValidationError):
        EncoderOptions(unknown=1)  # type: ignore[call-arg]


def test_declaring_imports_nothing() -> None:
    """A factory that does not exist is no error before it is asked for."""
    spec = _spec(factory="no_such_module_anywhere:Encoder")
    with pytest.raises(ModuleNotFoundError):
        spec.import_factory()


def test_references_reach_nested_attributes() -> None:
    """The attribute may be a path; a wrong one raises AttributeError."""
    assert import_reference("os.path:join") is os.path.join
    assert import_reference("collections:OrderedDict.fromkeys") == OrderedDict.fromkeys
    with pytest.raises(AttributeError):
        import_reference("os.path:joint")
