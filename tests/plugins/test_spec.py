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

from harness.plugins import EncoderOptions, EncoderSpec, ObjectiveOptions, ObjectiveSpec, TrainerSpec
from harness.plugins.spec import import_reference

_ALLOWED = "abcdefghijklmnopqrstuvwxyz0123456789._-"


def _spec(**changes: Any) -> EncoderSpec:
    return EncoderSpec(**{"name": "acme", "factory": "acme.encoder:Acme", "summary": "an encoder", **changes})


def _objective(**changes: Any) -> ObjectiveSpec:
    given = {"name": "acme", "factory": "acme.loss:Acme", "summary": "a loss", "options": ObjectiveOptions}
    return ObjectiveSpec(**{**given, "slots": {"rows": "text"}, **changes})


@given(st.text(_ALLOWED, max_size=8), st.sampled_from(_ALLOWED[:36]))
def test_names_that_are_taken(rest: str, first: str) -> None:
    """Lower-case letters, digits, dots, underscores and hyphens make a name, starting with a letter or a digit."""
    assert _spec(name=first + rest).name == first + rest
    assert TrainerSpec(first + rest, "acme:train", "a trainer").name == first + rest
    assert _objective(name=first + rest, slots={first + rest: "text"}).name == first + rest


@given(st.text(max_size=6).filter(lambda text: not text or text[0] in "._-" or set(text) - set(_ALLOWED)))
def test_names_that_are_refused(name: str) -> None:
    """Any other character, an empty name, or a name that starts with punctuation is an error that quotes the name."""
    for make in (
        lambda: _spec(name=name),
        lambda: TrainerSpec(name, "acme:train", ""),
        lambda: _objective(name=name),
        lambda: _objective(slots={name: "text"}),
        lambda: _objective(slots={"rows": name}),
    ):
        with pytest.raises(ValueError, match="lower-case letters") as caught:
            make()
        assert repr(name) in str(caught.value)


@pytest.mark.parametrize("needs", ["a GPU", ("",), (3,)])
def test_needs_are_phrases(needs: Any) -> None:
    """A bare string would be read letter by letter; an empty phrase tells nobody anything."""
    with pytest.raises(ValueError, match="needs must be a tuple of phrases"):
        _spec(needs=needs)


@pytest.mark.parametrize("expected", [{"order": ""}, {"order": None}, ["order"]])
def test_an_expected_failure_has_a_reason(expected: Any) -> None:
    """A check that may fail is named with the reason; afterwards nobody can add one."""
    with pytest.raises(ValueError, match="expected_failures must give a reason"):
        _spec(expected_failures=expected)
    reasons = {"order": "it is random"}
    spec = _spec(expected_failures=reasons)
    reasons["shape"] = "later"
    assert dict(spec.expected_failures) == {"order": "it is random"}
    with pytest.raises(TypeError):
        spec.expected_failures["shape"] = "later"  # type: ignore[index]


@pytest.mark.parametrize(
    "reference", ["acme", "acme:", ":Acme", "acme.:A", "acme:A b", "a-b:C", "acme:A:B", "acme/x:A", "1a:b", "", 3]
)
def test_references_that_are_refused(reference: Any) -> None:
    """A reference that does not read package.module:attribute is refused, in encoders, objectives and trainers."""
    for make in (_spec, _objective):
        with pytest.raises(ValueError, match=r"factory .* must read 'package.module:attribute'"):
            make(factory=reference)
    with pytest.raises(ValueError, match=r"command .* must read 'package.module:attribute'"):
        TrainerSpec("acme", reference, "")


@pytest.mark.parametrize("options", [dict, pydantic.BaseModel, EncoderOptions(), None])
def test_options_must_be_a_model_that_forbids_extras(options: Any) -> None:
    """Options are a subclass of EncoderOptions, and neither an instance nor a bare pydantic model."""
    with pytest.raises(ValueError, match=r"subclass of harness\.plugins\.EncoderOptions"):
        _spec(options=options)


@pytest.mark.parametrize("options", [dict, pydantic.BaseModel, EncoderOptions, ObjectiveOptions(), None])
def test_options_of_objectives_must_be_their_own_model(options: Any) -> None:
    """Options of an objective are a subclass of ObjectiveOptions."""
    with pytest.raises(ValueError, match=r"subclass of harness\.plugins\.ObjectiveOptions"):
        _objective(options=options)


@pytest.mark.parametrize("slots", [{}, None, ["text"], "text"])
def test_objectives_read_something(slots: Any) -> None:
    """An objective has at least one slot, each with the kind of its rows."""
    with pytest.raises(ValueError, match="slots must name at least one input"):
        _objective(slots=slots)


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
    with pytest.raises(pydantic.ValidationError):
        ObjectiveOptions(unknown=1)  # type: ignore[call-arg]


def test_slots_cannot_be_changed() -> None:
    """Slots are a read-only copy of what the plugin wrote, and a declaration can still be hashed."""
    written = {"rows": "text"}
    spec = _objective(slots=written)
    written["more"] = "text"
    assert dict(spec.slots) == {"rows": "text"} and spec in {spec}
    with pytest.raises(TypeError):
        spec.slots["more"] = "text"  # type: ignore[index]


def test_declaring_imports_nothing() -> None:
    """A factory that does not exist is no error before it is asked for."""
    spec = _spec(factory="no_such_module_anywhere:Encoder")
    with pytest.raises(ModuleNotFoundError):
        spec.import_factory()
    with pytest.raises(ModuleNotFoundError):
        _objective(factory="no_such_module_anywhere:Loss").import_factory()


def test_references_reach_nested_attributes() -> None:
    """The attribute may be a path; a wrong one raises AttributeError."""
    assert import_reference("os.path:join") is os.path.join
    assert import_reference("collections:OrderedDict.fromkeys") == OrderedDict.fromkeys
    with pytest.raises(AttributeError):
        import_reference("os.path:joint")
