"""Discovery: one plugin's trouble is a report about that one, and hurts nobody else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.api import load_encoder
from harness.errors import UsageError
from harness.plugins import manager
from harness.plugins.manager import PluginFailure, Registry, default_registry, discover

Install = Callable[..., Path]

_ENCODER = """
import numpy as np
from harness.encoders.protocols import EncoderInfo

class Ones:
    info = EncoderInfo(name="ones", dim=4, fingerprint="ones")
    def __init__(self, options):
        pass
    def encode(self, texts, *, role, language=None):
        return np.full((len(texts), 4), 0.5, dtype=np.float32)
"""


def _plugin(*names: str, module: str = "good_encoder") -> str:
    specs = ", ".join(f'EncoderSpec(name="{name}", factory="{module}:Ones", summary="ones")' for name in names)
    return (
        f"from harness.plugins import EncoderSpec, hookimpl\n@hookimpl\ndef harness_encoders():\n    return [{specs}]\n"
    )


@pytest.fixture
def good(install: Install) -> None:
    """A healthy distribution `good-dist` with the encoder `good`."""
    install("good-dist", {"good_plugin": _plugin("good"), "good_encoder": _ENCODER}, {"good": "good_plugin"})


#: What each bad plugin does wrong: its module, the stage that fails, and what the report must say.
_HEAD = "from harness.plugins import EncoderSpec, TrainerSpec, hookimpl\n"
_ONE = 'EncoderSpec(name="bad", factory="bad:Bad", summary="bad")'
_BAD = {
    "missing import": ("import no_such_module_anywhere", "import", "No module named 'no_such_module_anywhere'"),
    "import error": ("raise ImportError('torch is too old')", "import", "ImportError: torch is too old"),
    "syntax error": ("def broken(:\n", "import", "SyntaxError: invalid syntax"),
    "any exception": ("1 / 0", "import", "ZeroDivisionError: division by zero"),
    "exit at import": ("import sys\nsys.exit(0)", "import", "SystemExit: 0"),
    "exit without a word": ("raise SystemExit", "import", "SystemExit"),
    "error without words": (
        "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\nraise Odd", "import", "Odd"
    ),
    "misspelt hook": (
        _HEAD + "@hookimpl\ndef harness_encoder():\n    return []",
        "register", "'harness_encoder' is no hook. Did you mean 'harness_encoders'",
    ),
    "misspelt second hook": (
        _HEAD + f"@hookimpl\ndef harness_encoders():\n    return [{_ONE}]\n"
        "@hookimpl\ndef harness_trainer():\n    return []",
        "register", "'harness_trainer' is no hook. Did you mean 'harness_trainers'",
    ),
    "unknown argument": (
        _HEAD + "@hookimpl\ndef harness_encoders(config):\n    return []", "register", "config",
    ),
    "no implementation": (
        _HEAD + "def harness_encoders():\n    return []",
        "register", "it implements no hook; mark functions with @harness",
    ),
    "marker of another project": (
        "import pluggy\n@pluggy.HookimplMarker('pytest')\ndef harness_encoders():\n    return []",
        "register", "it implements no hook",
    ),
    "raises": (
        _HEAD + "@hookimpl\ndef harness_encoders():\n    raise RuntimeError('no network')",
        "harness_encoders", "RuntimeError: no network",
    ),
    "exits": (
        _HEAD + "@hookimpl\ndef harness_encoders():\n    raise SystemExit(3)", "harness_encoders", "SystemExit: 3",
    ),
    "raises half way": (
        _HEAD + f"@hookimpl\ndef harness_encoders():\n    yield {_ONE}\n    raise RuntimeError('half')",
        "harness_encoders", "RuntimeError: half",
    ),
    "returns strings": (
        _HEAD + "@hookimpl\ndef harness_encoders():\n    return ['bad']",
        "harness_encoders", "it returned 'bad', and EncoderSpec is expected",
    ),
    "returns what cannot be printed": (
        _HEAD + "class Odd:\n    def __repr__(self):\n        raise ValueError('odd')\n"
        "@hookimpl\ndef harness_encoders():\n    return [Odd()]",
        "harness_encoders", "EncoderSpec is expected",
    ),
    "returns one spec and no list": (
        _HEAD + f"@hookimpl\ndef harness_encoders():\n    return {_ONE}", "harness_encoders", "not iterable",
    ),
    "returns trainers as encoders": (
        _HEAD + "@hookimpl\ndef harness_encoders():\n    return [TrainerSpec('bad', 'bad:train', '')]",
        "harness_encoders", "EncoderSpec is expected",
    ),
    "declares a name twice": (
        _HEAD + f"@hookimpl\ndef harness_encoders():\n    return [{_ONE}, {_ONE}]",
        "harness_encoders", "it declares 'bad' more than once",
    ),
    "malformed spec": (
        _HEAD + "@hookimpl\ndef harness_encoders():\n    return [EncoderSpec('Bad Name', 'bad:Bad', '')]",
        "harness_encoders", "name 'Bad Name' must be lower-case",
    ),
    "older than is served": (
        _HEAD + f"HARNESS_API = 0\n@hookimpl\ndef harness_encoders():\n    return [{_ONE}]",
        "api", "it is written for version 0 of the plugin API, and this harness takes 1; "
        "upgrade the plugin: pip install --upgrade bad-dist",
    ),
    "newer than is served": (
        _HEAD + "HARNESS_API = 99\n@hookimpl\ndef harness_dreams():\n    return []",
        "api", "it is written for version 99 of the plugin API, and this harness takes 1; "
        "upgrade the harness: pip install --upgrade lamir-harness",
    ),
    "version that is no number": (
        _HEAD + f"HARNESS_API = '1'\n@hookimpl\ndef harness_encoders():\n    return [{_ONE}]",
        "api", "HARNESS_API is '1', and must be a whole number such as 1",
    ),
    "version that is a boolean": (
        _HEAD + f"HARNESS_API = True\n@hookimpl\ndef harness_encoders():\n    return [{_ONE}]",
        "api", "HARNESS_API is True",
    ),
    "trainers raise": (
        _HEAD + f"@hookimpl\ndef harness_encoders():\n    return [{_ONE}]\n"
        "@hookimpl\ndef harness_trainers():\n    raise OSError('disk')",
        "harness_trainers", "OSError: disk",
    ),
    "objectives raise": (
        _HEAD + f"@hookimpl\ndef harness_encoders():\n    return [{_ONE}]\n"
        "@hookimpl\ndef harness_objectives():\n    raise OSError('disk')",
        "harness_objectives", "OSError: disk",
    ),
    "returns encoders as objectives": (
        _HEAD + f"@hookimpl\ndef harness_objectives():\n    return [{_ONE}]",
        "harness_objectives", "ObjectiveSpec is expected",
    ),
    "declares an objective twice": (
        _HEAD + "from harness.plugins import ObjectiveOptions as O, ObjectiveSpec as S\n"
        "@hookimpl\ndef harness_objectives():\n    return [S('bad', 'b:B', '', O, {'rows': 'text'})] * 2",
        "harness_objectives", "it declares 'bad' more than once",
    ),
}  # fmt: skip


def _failures(registry: Registry, distribution: str = "bad-dist") -> list[PluginFailure]:
    return [failure for failure in registry.failures if failure.distribution == distribution]


@pytest.mark.parametrize("source, stage, error", _BAD.values(), ids=_BAD.keys())
def test_bad_plugin_is_reported_and_alone(install: Install, good: None, source: str, stage: str, error: str) -> None:
    """Whatever a plugin does wrong is one failure with stage and reason; built-ins and the good plugin still work."""
    install("bad-dist", {"bad_plugin": source}, {"bad": "bad_plugin"}, version="2.5")
    registry = discover()
    (failure,) = _failures(registry)
    assert (failure.name, failure.version, failure.stage) == ("bad", "2.5", stage)
    assert error in failure.error
    assert "\n" not in str(failure) and str(failure).startswith("plugin 'bad' of bad-dist 2.5 was skipped")
    assert "bad-dist" not in {plugin.distribution for plugin in registry.plugins}
    assert load_encoder("hashing", registry=registry).model.info.dim == 1024
    vectors = load_encoder("good", registry=registry).model.encode(["x"], role="query")  # type: ignore[union-attr]
    assert np.array_equal(vectors, np.full((1, 4), 0.5, np.float32))
    with pytest.raises(UsageError) as caught:
        registry.encoder("bad")
    assert caught.value.message == "there is no encoder 'bad'"
    assert str(failure) in str(caught.value)


def test_traceback_points_into_the_plugin(install: Install) -> None:
    """The traceback that `harness plugins --traceback` shows names the plugin's own file and line."""
    install("bad-dist", {"bad_plugin": "x = 1\nraise ImportError('why')"}, {"bad": "bad_plugin"})
    (failure,) = _failures(discover())
    assert 'bad_plugin.py", line 2' in failure.traceback
    assert failure.traceback.rstrip().endswith("ImportError: why")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("bad_plugin:harness_encoders", "is a function, not a module"),
        ("bad_plugin:NUMBER", "is a int, not a module"),
        ("bad_plugin:missing", "AttributeError"),
        ("no_such_module_anywhere", "ModuleNotFoundError"),
        ("!", ""),
    ],
)
def test_entry_point_that_is_no_module(install: Install, good: None, value: str, error: str) -> None:
    """An entry point must name a module; anything else is a failure at import."""
    install("bad-dist", {"bad_plugin": _plugin("bad") + "NUMBER = 3\n"}, {"bad": value})
    registry = discover()
    (failure,) = _failures(registry)
    assert failure.stage == "import" and error in failure.error
    assert registry.encoder("good").distribution == "good-dist"


def test_one_bad_entry_point_spares_its_sibling(install: Install) -> None:
    """Two entry points of one distribution stand each for itself."""
    install(
        "bad-dist",
        {"bad_plugin": "1 / 0", "fine_plugin": _plugin("fine")},
        {"bad": "bad_plugin", "fine": "fine_plugin"},
    )
    registry = discover()
    assert [failure.name for failure in _failures(registry)] == ["bad"]
    assert registry.encoder("fine").qualified_name == "bad-dist:fine"


def test_same_entry_point_name_in_two_distributions(install: Install) -> None:
    """Two distributions that call their entry point alike are both loaded."""
    install("first-dist", {"first_plugin": _plugin("one")}, {"acme": "first_plugin"})
    install("second-dist", {"second_plugin": _plugin("two")}, {"acme": "second_plugin"})
    registry = discover()
    found = {plugin.distribution: plugin.name for plugin in registry.plugins}
    assert found["first-dist"] == found["second-dist"] == "acme"
    assert registry.encoder("one").distribution == "first-dist"
    assert registry.encoder("two").distribution == "second-dist"


def test_same_encoder_name_in_two_distributions(install: Install, good: None) -> None:
    """The bare name is refused naming both owners, `distribution:name` resolves, the rest works on."""
    for number in ("first", "second"):
        install(
            f"{number}-dist",
            {f"{number}_plugin": _plugin("twin", number, module=f"{number}_encoder"), f"{number}_encoder": _ENCODER},
            {"acme": f"{number}_plugin"},
        )
    registry = discover()
    with pytest.raises(UsageError) as caught:
        registry.encoder("twin")
    assert caught.value.message == "encoder 'twin' is declared by first-dist and second-dist"
    assert caught.value.hint == "Ask for first-dist:twin or second-dist:twin."
    assert registry.encoder("second-dist:twin").spec.factory == "second_encoder:Ones"
    assert load_encoder("first-dist:twin", registry=registry).card.distribution == "first-dist"
    assert {e.distribution for e in registry.conflicts()["twin"]} == {"first-dist", "second-dist"}
    for name in ("first", "second", "good", "hashing", "random"):
        assert registry.encoder(name).spec.name == name
    assert not {"first", "good", "hashing"} & set(registry.conflicts())


def test_a_built_in_name_cannot_be_taken_silently(install: Install) -> None:
    """A plugin that declares `hashing` makes the bare name ambiguous; the core keeps its own, qualified."""
    install("bad-dist", {"bad_plugin": _plugin("hashing")}, {"bad": "bad_plugin"})
    registry = discover()
    with pytest.raises(UsageError, match="declared by lamir-harness and bad-dist"):
        registry.encoder("hashing")
    assert registry.encoder("lamir-harness:hashing").spec.factory == "harness.encoders.hashing:HashingEncoder"
    assert discover(third_party=False).encoder("hashing").distribution == "lamir-harness"


@pytest.mark.parametrize("spelling", ["Acme_Tools:good", "acme-tools:good", "ACME.tools:good"])
def test_distribution_names_are_compared_as_installers_do(install: Install, spelling: str) -> None:
    """Case, hyphen, underscore and dot make no difference in a distribution's name."""
    install("Acme.Tools", {"acme_plugin": _plugin("good")}, {"acme": "acme_plugin"})
    assert discover().encoder(spelling).qualified_name == "acme-tools:good"


def test_first_of_two_copies_on_the_path_wins(install: Install) -> None:
    """A distribution that is on the path twice counts once, in the version that Python would import."""
    install("acme", {"acme_plugin": _plugin("old")}, {"acme": "acme_plugin"}, version="1.0")
    install("acme", {"acme_plugin": _plugin("new")}, {"acme": "acme_plugin"}, version="2.0")
    registry = discover()
    assert [p.version for p in registry.plugins if p.distribution == "acme"] == ["2.0"]
    assert registry.encoder("new").version == "2.0"
    assert not _failures(registry, "acme")


_DAMAGE = {
    "no METADATA": lambda info: (info / "METADATA").unlink(),
    "empty METADATA": lambda info: (info / "METADATA").write_bytes(b""),
    "METADATA is not UTF-8": lambda info: (info / "METADATA").write_bytes(b"Name: caf\xe9\n"),
    "METADATA is a folder": lambda info: ((info / "METADATA").unlink(), (info / "METADATA").mkdir()),
    "entry_points.txt is not UTF-8": lambda info: (info / "entry_points.txt").write_bytes(
        b"[lamir_harness]\n\xff = x\n"
    ),
    "entry_points.txt has no equals sign": lambda info: (info / "entry_points.txt").write_text(
        "[lamir_harness]\nbad\n"
    ),
    "entry_points.txt is missing": lambda info: (info / "entry_points.txt").unlink(),
    "empty folder": lambda info: [path.unlink() for path in info.iterdir()],
}


@pytest.mark.parametrize("damage", _DAMAGE.values(), ids=_DAMAGE.keys())
def test_damaged_dist_info_hurts_nobody(install: Install, good: None, damage: Callable[[Path], object]) -> None:
    """A half-deleted or unreadable .dist-info, anybody's, leaves the others working."""
    folder = install("bad-dist", {"bad_plugin": _plugin("bad")}, {"bad": "bad_plugin"})
    damage(folder / "bad_dist-1.0.dist-info")
    registry = discover()
    assert registry.encoder("good").distribution == "good-dist"
    assert registry.encoder("hashing").distribution == "lamir-harness"


def test_plugin_that_prints_leaves_stdout_clean(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    """What a plugin prints at import or in its hook goes to stderr."""
    source = "print('hello from import')\n" + _plugin("loud").replace(
        "    return", "    print('and from hook')\n    return"
    )
    install("loud-dist", {"loud_plugin": source}, {"loud": "loud_plugin"})
    assert discover().encoder("loud").distribution == "loud-dist"
    out, err = capsys.readouterr()
    assert out == ""
    assert "hello from import" in err and "and from hook" in err


def test_interruption_is_no_plugin_failure(install: Install) -> None:
    """Ctrl-C while plugins load ends the command."""
    install("bad-dist", {"bad_plugin": "raise KeyboardInterrupt"}, {"bad": "bad_plugin"})
    with pytest.raises(KeyboardInterrupt):
        discover()


@pytest.mark.parametrize("declared", ["", "HARNESS_API = 1\n"])
def test_present_version_needs_no_notice(install: Install, declared: str) -> None:
    """A plugin that says nothing is one of version 1, as one that says so."""
    install("good-dist", {"good_plugin": declared + _plugin("good")}, {"good": "good_plugin"})
    registry = discover()
    (plugin,) = [plugin for plugin in registry.plugins if plugin.distribution == "good-dist"]
    assert (plugin.api, plugin.notice) == (1, None)
    assert not any("good-dist" in notice for notice in registry.notices())


def test_old_version_that_is_served_loads_with_a_notice(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the oldest and the present version a plugin works, and a sentence says that it will not for ever."""
    monkeypatch.setattr(manager, "API_VERSION", 2)
    install("good-dist", {"good_plugin": _plugin("good")}, {"good": "good_plugin"})
    registry = discover()
    assert registry.encoder("good").distribution == "good-dist"
    assert [notice for notice in registry.notices() if "good-dist" in notice] == [
        "plugin 'good' of good-dist 1.0 is written for version 1 of the plugin API, which is deprecated "
        "(this harness has version 2); look for a newer release of it"
    ]


def test_safe_mode_imports_no_third_party_code(install: Install, tmp_path: Path) -> None:
    """With third_party=False no entry point is even imported."""
    trace = tmp_path / "imported"
    install("bad-dist", {"bad_plugin": f"open({os.fspath(trace)!r}, 'w')\n" + _plugin("bad")}, {"bad": "bad_plugin"})
    registry = discover(third_party=False)
    assert not trace.exists()
    assert [entry.spec.name for entry in registry.encoders()] == ["hashing", "random"]
    assert registry.failures == ()
    assert discover().encoder("bad") and trace.exists()


def test_factories_are_imported_on_demand(install: Install, tmp_path: Path) -> None:
    """Listing encoders does not import what builds them."""
    trace = tmp_path / "imported"
    encoder = f"open({os.fspath(trace)!r}, 'w')\n" + _ENCODER
    install("good-dist", {"good_plugin": _plugin("good"), "good_encoder": encoder}, {"good": "good_plugin"})
    registry = discover()
    assert registry.encoders() and not trace.exists()
    load_encoder("good", registry=registry)
    assert trace.exists()


def test_plugins_are_listed_in_a_stable_order(install: Install) -> None:
    """Built-ins come first, then distributions by name and entry points by name, whatever the path's order."""
    install("b-dist", {"b_plugin": _plugin("b")}, {"z": "b_plugin"})
    install("a-dist", {"a_plugin": _plugin("a"), "a_second": _plugin("a2")}, {"y": "a_second", "x": "a_plugin"})
    wanted = {"lamir-harness", "a-dist", "b-dist"}
    order = [(p.distribution, p.name) for p in discover().plugins if p.distribution in wanted]
    assert order == [("lamir-harness", "builtin"), ("a-dist", "x"), ("a-dist", "y"), ("b-dist", "z")]


def test_hooks_that_declare_nothing_are_fine(install: Install) -> None:
    """None, an empty list and a generator are all answers."""
    sources = ["return None", "return []", "yield from ()"]
    for number, body in enumerate(sources):
        source = f"from harness.plugins import hookimpl\n@hookimpl\ndef harness_encoders():\n    {body}\n"
        install(f"empty-{number}", {f"empty_{number}": source}, {"empty": f"empty_{number}"})
    registry = discover()
    found = {p.distribution: p.encoders for p in registry.plugins if p.distribution.startswith("empty-")}
    assert found == {"empty-0": (), "empty-1": (), "empty-2": ()}


def test_trainers_by_name(install: Install) -> None:
    """Trainers are found by name; of two with one name the first distribution in alphabetical order is kept."""
    for name in ("b", "a"):
        source = (
            "from harness.plugins import TrainerSpec, hookimpl\n@hookimpl\ndef harness_trainers():\n"
            f"    return [TrainerSpec('twin', 'owner_{name}:train', ''), TrainerSpec('only-{name}', 'x:y', '')]\n"
        )
        install(f"{name}-dist", {f"{name}_plugin": source}, {"t": f"{name}_plugin"})
    trainers = discover().trainers()
    assert trainers["twin"].command == "owner_a:train"
    assert {"only-a", "only-b"} <= set(trainers)


_OBJECTIVES = (
    "from harness.plugins import ObjectiveOptions, ObjectiveSpec, hookimpl\n"
    "@hookimpl\ndef harness_objectives():\n"
    "    return [ObjectiveSpec(name, 'no_such_module:Loss', 'a loss', ObjectiveOptions, {'rows': 'text'})"
    " for name in NAMES]\n"
)


def test_objectives_by_name(install: Install) -> None:
    """Objectives are found by name; one that two distributions claim is found by its qualified name alone."""
    for name in ("b", "a"):
        names = f"NAMES = ['twin', 'only-{name}']\n"
        install(f"{name}-dist", {f"{name}_plugin": _OBJECTIVES + names}, {"o": f"{name}_plugin"})
    registry = discover()
    objectives = registry.objectives()
    assert {"only-a", "only-b", "a-dist:twin", "b-dist:twin"} <= set(objectives) and "twin" not in objectives
    assert dict(objectives["only-a"].slots) == {"rows": "text"}
    assert registry.objective("only-a").qualified_name == "a-dist:only-a"
    assert registry.objective("B_dist:twin").distribution == "b-dist"
    assert [entry.qualified_name for entry in registry.objective_conflicts()["twin"]] == ["a-dist:twin", "b-dist:twin"]
    assert "twin" not in registry.conflicts()
    with pytest.raises(UsageError) as caught:
        registry.objective("twin")
    assert caught.value.message == "objective 'twin' is declared by a-dist and b-dist"
    assert caught.value.hint == "Ask for a-dist:twin or b-dist:twin."


def test_misspelt_objective_gets_a_suggestion(install: Install) -> None:
    """An unknown objective is answered with the nearest one, and with the failures that may have held it."""
    install("a-dist", {"a_plugin": _OBJECTIVES + "NAMES = ['semblance']\n"}, {"o": "a_plugin"})
    install("bad-dist", {"bad_plugin": "1 / 0"}, {"bad": "bad_plugin"})
    registry = discover()
    with pytest.raises(UsageError, match="there is no objective 'semblence'") as caught:
        registry.objective("semblence")
    assert "Did you mean 'semblance'?" in str(caught.value) and "bad-dist" in str(caught.value)
    with pytest.raises(UsageError, match="'a-dist:semblance'"):
        registry.objective("a-dst:semblance")


def test_encoders_and_objectives_do_not_share_names(install: Install) -> None:
    """An objective may be called as an encoder is."""
    install("a-dist", {"a_plugin": _OBJECTIVES + "NAMES = ['hashing']\n"}, {"o": "a_plugin"})
    registry = discover()
    assert registry.encoder("hashing").distribution == "lamir-harness"
    assert registry.objective("hashing").distribution == "a-dist"


def test_misspelt_encoder_gets_a_suggestion() -> None:
    """An unknown name is answered with the nearest known ones, qualified where the question was."""
    registry = discover(third_party=False)
    with pytest.raises(UsageError) as caught:
        registry.encoder("hasing")
    assert caught.value.hint == "Did you mean 'hashing'?"
    with pytest.raises(UsageError) as caught:
        registry.encoder("lamir-harnes:hashing")
    assert "Did you mean 'lamir-harness:hashing'" in str(caught.value)


def test_registry_of_the_process_is_discovered_once() -> None:
    """Asking twice gives the same object; the safe mode has a registry of its own."""
    assert default_registry() is default_registry()
    assert default_registry(third_party=False) is not default_registry()
