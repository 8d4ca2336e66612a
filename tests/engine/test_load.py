"""From a name and its options to a loaded encoder, and what its card says, which is nothing of a machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import Field

import harness
from harness import Selection, Settings
from harness.api import check_options, share_options
from harness.encoders.protocols import EncoderInfo
from harness.engine.plan import Overwrite
from harness.engine.record import portable
from harness.errors import NothingSelectedError, UsageError
from harness.plugins import EncoderOptions, EncoderSpec, TrainingDatasets
from harness.plugins.manager import Plugin, Registry
from harness.results.store import load

ONE = Selection(tasks=("miracl/sw",))


def _registry(*specs: EncoderSpec) -> Registry:
    return Registry((Plugin("toys", "toy-dist", "1.2", encoders=specs),))


class PathOptions(EncoderOptions):
    """Options that hold paths in every shape an option may have."""

    model: str = ""
    files: tuple[str, ...] = ()
    named: dict[str, str] = Field(default_factory=dict)
    folder: Path | None = None


class AnyModel(EncoderOptions):
    """Options of an encoder that loads whatever it is told to."""

    training_datasets: TrainingDatasets = None


class Untrained:
    """An encoder that says it was trained on nothing, which its plugin's declaration does not."""

    def __init__(self, options: EncoderOptions) -> None:
        self.info = EncoderInfo(name="untrained", dim=2, fingerprint="a" * 64, training_datasets=())

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """The same unit vector for every text."""
        return np.tile(np.array([1, 0], np.float32), (len(texts), 1))


class FromOptions:
    """An encoder made by a plugin's factory."""

    def __init__(self, options: EncoderOptions) -> None:
        self.info = EncoderInfo(name="from-options", dim=2, fingerprint="e" * 64)

    def encode(self, texts: Sequence[str], *, role: str, language: str | None = None) -> np.ndarray:
        """The same unit vector for every text."""
        return np.tile(np.array([1, 0], np.float32), (len(texts), 1))


def _spec(**facts: Any) -> EncoderSpec:
    here = {"name": "toy", "factory": "toy_factories:FromOptions", "summary": "a toy", **facts}
    return EncoderSpec(**here)


@pytest.fixture
def toy_factories(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the factories of this file importable as `toy_factories`."""
    import sys
    from types import ModuleType

    module = ModuleType("toy_factories")
    module.FromOptions = FromOptions  # type: ignore[attr-defined]
    module.Untrained = Untrained  # type: ignore[attr-defined]
    module.NoEncoder = lambda options: object()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toy_factories", module)


@pytest.mark.parametrize("thing", [object(), 3, {"info": 1}])
def test_what_is_no_encoder_is_refused(thing: Any, tmp_path: Path) -> None:
    """An object that satisfies neither protocol is refused by the name of its type."""
    with pytest.raises(UsageError, match=type(thing).__name__):
        harness.evaluate(thing, select=ONE, settings=Settings(tmp_path / "out"))


def test_options_belong_to_names(tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """An object has its options already."""
    with pytest.raises(UsageError, match="options"):
        harness.evaluate(toy_encoder(), options={"dim": 3}, select=ONE, settings=Settings(tmp_path / "out"))


def test_mistakes_cost_no_model_loading(tmp_path: Path, toy_factories: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown names, options, tasks and sources are refused before the factory is called."""
    import sys

    monkeypatch.delitem(sys.modules, "toy_factories")
    registry = _registry(_spec())
    common: dict[str, Any] = {"registry": registry, "settings": Settings(tmp_path / "out")}
    with pytest.raises(UsageError, match="tyo"):
        harness.plan("tyo", **common)
    with pytest.raises(UsageError, match="depht"):
        harness.plan("toy", options={"depht": 1}, **common)
    with pytest.raises(UsageError, match="mircal"):
        harness.plan("toy", select=Selection(tasks=("mircal",)), **common)
    with pytest.raises(NothingSelectedError):
        harness.plan("toy", select=Selection(tasks=("mr-tydi",), languages=("yo",)), **common)
    with pytest.raises(UsageError, match="pockt"):
        harness.plan("toy", source="pockt", **common)
    with pytest.raises(UsageError, match="could not be loaded"):
        harness.plan("toy", **common)


def test_rerankers_and_impostors_do_not_run(toy_factories: None) -> None:
    """A reranker cannot retrieve, and a factory that returns something else is its plugin's mistake."""
    with pytest.raises(UsageError, match="reranker"):
        harness.load_encoder("toy", registry=_registry(_spec(kind="reranker")))
    with pytest.raises(UsageError, match="toy-dist:toy"):
        harness.load_encoder("toy", registry=_registry(_spec(factory="toy_factories:NoEncoder")))
    with pytest.raises(UsageError, match="searcher"):
        harness.load_encoder("toy", registry=_registry(_spec(kind="searcher")))


def test_check_options_loads_nothing() -> None:
    """The schema alone decides; the factory of this registry does not even exist."""
    registry = _registry(_spec(factory="no_such_module:Nothing", options=PathOptions))
    check_options("toy", {"model": "x"}, registry=registry)
    with pytest.raises(UsageError, match="modle"):
        check_options("toy", {"modle": "x"}, registry=registry)


def test_training_data_comes_from_the_declaration_unless_the_weights_know(toy_factories: None) -> None:
    """What the loaded encoder says of its training goes before what its plugin declares."""
    card = harness.load_encoder("toy", registry=_registry(_spec(training_datasets=("nq",)))).card
    assert card.training_datasets == ("nq",)
    spec = _spec(factory="toy_factories:Untrained", training_datasets=("nq",))
    assert harness.load_encoder("toy", registry=_registry(spec)).card.training_datasets == ()
    assert harness.load_encoder("hashing").card.training_datasets == ()
    assert harness.load_encoder("toy", registry=_registry(_spec())).card.training_datasets is None


def test_what_the_user_states_of_training_data_goes_first(toy_factories: None) -> None:
    """Stated as an option, `[]` included, over what the weights and the declaration say; absent, it changes nothing."""
    spec = _spec(factory="toy_factories:Untrained", training_datasets=("nq",), options=AnyModel)
    for given, found in ((["miracl", "nq"], ("miracl", "nq")), ([], ()), (None, ())):
        card = harness.load_encoder("toy", {"training_datasets": given}, registry=_registry(spec)).card
        assert card.training_datasets == found
    spec = _spec(training_datasets=("nq",), options=AnyModel)
    assert harness.load_encoder("toy", {"training_datasets": []}, registry=_registry(spec)).card.training_datasets == ()
    with pytest.raises(UsageError, match="training_datasets"):
        harness.load_encoder("toy", {"training_datasets": ["nq", ""]}, registry=_registry(spec))


def test_training_data_can_be_corrected_without_computing(tmp_path: Path, toy_factories: None) -> None:
    """Stated anew, it replaces what the file says of it, and nothing else in the file changes."""
    registry = _registry(_spec(options=AnyModel))

    def run(training: list[str] | None, overwrite: Overwrite = Overwrite.ONLY_MISSING) -> dict[str, Any]:
        settings = harness.Settings(tmp_path / "out", overwrite=overwrite)
        options = {"training_datasets": training}
        done = harness.evaluate("toy", options=options, select=ONE, settings=settings, registry=registry)
        (path,) = done.paths
        return json.loads(path.read_text("utf-8"))

    first = run(None)
    assert first["encoder"]["training_datasets"] is None
    assert run(["nq"], Overwrite.NEVER) == first
    second = run(["nq"])
    assert second["encoder"]["training_datasets"] == second["encoder"]["options"]["training_datasets"] == ["nq"]
    for file in (first, second):
        del file["encoder"]["training_datasets"], file["encoder"]["options"]["training_datasets"]
    assert second == first


def test_share_options() -> None:
    """A bare key goes to the only encoder; with several, `name.key` says whose it is, names with dots included."""
    assert share_options({"dim": 3}, ["hashing"]) == {"hashing": {"dim": 3}}
    assert share_options({"hashing.dim": 3}, ["hashing"]) == {"hashing": {"dim": 3}}
    shared = share_options({"a.dim": 3, "b.1.dim": 4, "a.seed": 5}, ["a", "b.1", "c"])
    assert shared == {"a": {"dim": 3, "seed": 5}, "b.1": {"dim": 4}, "c": {}}


@pytest.mark.parametrize(
    ("options", "encoders"), [({"dim": 3}, ["a", "b"]), ({"c.dim": 3}, ["a", "b"]), ({"c.dim": 3}, ["a"])]
)
def test_options_for_nobody_are_refused(options: dict[str, Any], encoders: list[str]) -> None:
    """A bare key with two encoders, and a key of an encoder that does not run, are typing mistakes."""
    with pytest.raises(UsageError, match="none of the encoders"):
        share_options(options, encoders)


def test_no_local_path_in_results(tmp_path: Path, toy_factories: None) -> None:
    """Of a path of this machine only the last component is written, wherever in the options it stands."""
    weights = tmp_path / "secret-home" / "checkpoint-7"
    weights.mkdir(parents=True)
    registry = _registry(_spec(options=PathOptions))
    options = {
        "model": str(weights),
        "files": [str(weights), "org/name"],
        "named": {"x": str(weights)},
        "folder": weights,
    }
    evaluation = harness.evaluate(
        "toy", options=options, registry=registry, select=ONE, settings=Settings(tmp_path / "out")
    )
    text = evaluation.paths[0].read_text("utf-8")
    assert "secret-home" not in text and str(tmp_path) not in text
    assert load(evaluation.paths[0]).encoder.options == {
        "model": "…/checkpoint-7",
        "files": ["…/checkpoint-7", "org/name"],
        "named": {"x": "…/checkpoint-7"},
        "folder": "…/checkpoint-7",
    }


@pytest.mark.parametrize("value", ["intfloat/multilingual-e5-small", "query: ", "cls", 3, 0.5, True, None, ""])
def test_what_is_no_local_path_is_written_as_it_is(value: Any) -> None:
    """Model ids, prompts and numbers are the reproducible part of a result."""
    assert portable(value) == value
