"""Plugins, their failures, and names that two of them chose."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PathDistribution

from harness.doctor import Finding
from harness.doctor.plugins import findings
from harness.plugins import API_VERSION, EncoderSpec, ObjectiveOptions, ObjectiveSpec, TrainerSpec
from harness.plugins.manager import Plugin, PluginFailure, Registry

Make = Callable[..., PathDistribution]


def spec(name: str, kind: str = "encoder") -> EncoderSpec:
    """An encoder that is never loaded."""
    return EncoderSpec(name, "a:b", "", kind=kind)  # type: ignore[arg-type]


def found(registry: Registry, *distributions: PathDistribution) -> dict[str, Finding]:
    """The findings by name."""
    return {finding.name: finding for finding in findings(registry, distributions)}


def test_what_plugins_bring(make: Make) -> None:
    """A line for each plugin, with what it brings, counted by kind."""
    encoders = (spec("a"), spec("b"), spec("c", "searcher"))
    plugin = Plugin("x", "harness-x", "1.2", encoders=encoders, trainers=(TrainerSpec("t", "a:b", ""),))
    (finding,) = found(Registry((plugin,)), make("harness_x", "1.2")).values()
    assert finding.value == "harness-x 1.2: 2 encoders, 1 searcher, 1 trainer"
    assert (finding.status, finding.data["encoders"]) == ("ok", ["a", "b", "c"])
    empty = Registry((Plugin("y", "harness-y", "1"),))
    assert found(empty)["y"].value == "harness-y 1: nothing"


def test_what_plugins_lack(make: Make) -> None:
    """A requirement of a plugin that is absent or old is a problem, with the command; its extras are its own affair."""
    registry = Registry((Plugin("x", "harness-x", "1"),))
    requires = ("bm25s>=0.2", "numpy>=2", "onnx; extra == 'onnx'", "pydantic")
    installed = [make("harness_x", requires=requires), make("numpy", "1.26"), make("pydantic")]
    finding = found(registry, *installed)["x"]
    assert finding.status == "problem"
    assert "it needs bm25s>=0.2, and it is not installed, it needs numpy>=2, and 1.26 is installed" in finding.value
    assert finding.hint == 'pip install "bm25s>=0.2" "numpy>=2"'


def test_extras_of_plugins(make: Make) -> None:
    """An extra that is not there, or only in part, is told and is no complaint; developers' extras are left out."""
    requires = ("a; extra == 'one'", "b; extra == 'two'", "a; extra == 'two'", "c; extra == 'test'")
    finding = found(Registry((Plugin("x", "harness-x", "1"),)), make("harness_x", requires=requires), make("a"))["x"]
    assert (finding.status, finding.value) == ("ok", "harness-x 1: nothing; without the extra two")
    assert finding.data["extras"] == {"one": True, "two": False}


def test_failures_are_problems() -> None:
    """A plugin that was skipped is named with its stage and its error."""
    failure = PluginFailure("x", "harness-x", "1", "import", "ImportError: no", "Traceback")
    (finding,) = found(Registry((), (failure,))).values()
    assert finding.status == "problem"
    assert finding.value == "harness-x 1 was skipped (import): ImportError: no"
    assert "pip uninstall harness-x" in (finding.hint or "")


def test_clashes() -> None:
    """Encoders and objectives of one name can be had by their long names; of two trainers one is out of reach."""
    objective = ObjectiveSpec("o", "a:b", "", ObjectiveOptions, {"pairs": "pairs"})
    both = [
        Plugin(
            name,
            f"harness-{name}",
            "1",
            encoders=(spec("same"),),
            trainers=(TrainerSpec("t", "a:b", ""),),
            objectives=(objective,),
        )
        for name in ("x", "y")
    ]
    clashes = found(Registry(tuple(both)))
    assert clashes["encoder same"].status == clashes["objective o"].status == "warning"
    assert clashes["encoder same"].hint == "Ask for harness-x:same or harness-y:same."
    assert clashes["trainer t"].status == "problem"
    assert "is that of harness-x" in (clashes["trainer t"].hint or "")


def test_plugins_of_an_api_that_will_go() -> None:
    """A plugin that is written for a deprecated version of the API works, and is a warning."""
    old = Plugin("x", "harness-x", "1", api=API_VERSION - 1, encoders=(spec("a"),))
    finding = found(Registry((old,)))["x"]
    assert (finding.status, finding.value) == ("warning", "harness-x 1: 1 encoder")
    assert "is deprecated" in (finding.hint or "")
