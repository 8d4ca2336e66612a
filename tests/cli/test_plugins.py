"""`harness plugins`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.plugins import manager

Cli = Callable[..., Any]
Install = Callable[..., Path]

_TWIN = (
    "from harness.plugins import EncoderSpec, ObjectiveOptions, ObjectiveSpec, TrainerSpec, hookimpl\n"
    "@hookimpl\ndef harness_encoders():\n    return [EncoderSpec('twin', 'x:Y', '')]\n"
    "@hookimpl\ndef harness_trainers():\n    return [TrainerSpec('coach', 'x:train', '')]\n"
    "@hookimpl\ndef harness_objectives():\n"
    "    return [ObjectiveSpec('aim', 'x:Aim', '', ObjectiveOptions, {'rows': 'text'})]\n"
)


@pytest.fixture
def three(install: Install) -> None:
    """Two plugins that claim one name, and a broken one."""
    install("one-dist", {"one_plugin": _TWIN}, {"one": "one_plugin"})
    install("two-dist", {"two_plugin": _TWIN}, {"two": "two_plugin"}, version="2.0")
    install("bad-dist", {"bad_plugin": "x = 1\nraise ImportError('too old')"}, {"bad": "bad_plugin"})


def test_core_alone(cli: Cli) -> None:
    """In safe mode there is the built-in plugin and nothing else."""
    found = cli("--no-plugins", "plugins", "--json").json()
    assert found == {
        "plugins": [
            {
                "name": "builtin",
                "distribution": "lamir-harness",
                "version": harness.__version__,
                "api": 1,
                "notice": None,
                "encoders": ["random", "hashing"],
                "trainers": [],
                "objectives": [],
            }
        ],
        "failures": [],
        "conflicts": {},
        "objective_conflicts": {},
    }


def test_table(cli: Cli, three: None) -> None:
    """Good and failed plugins are rows; the reasons and the clashes stand below, and no traceback."""
    done = cli("plugins")
    assert done.code == 0
    rows = {tuple(line.split()[:3]): line.split() for line in done.out.splitlines() if "-dist" in line}
    assert rows["two", "two-dist", "2.0"][3:] == ["twin", "coach", "aim", "ok"]
    assert rows["bad", "bad-dist", "1.0"][3:] == ["failed", "(import)"]
    assert "bad-dist: bad: ImportError: too old" in done.out
    assert "encoder 'twin' is declared by one-dist and two-dist; ask for one-dist:twin or two-dist:twin" in done.out
    assert "objective 'aim' is declared by one-dist and two-dist; ask for one-dist:aim or two-dist:aim" in done.out
    assert "Traceback" not in done.out


@pytest.fixture
def aged(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness of API version 3 that still serves 2, and a plugin of each version."""
    monkeypatch.setattr(manager, "API_VERSION", 3)
    monkeypatch.setattr(manager, "OLDEST_API_VERSION", 2)
    for version in (1, 2, 3):
        source = f"HARNESS_API = {version}\nfrom harness.plugins import hookimpl\n"
        source += "@hookimpl\ndef harness_encoders():\n    return []\n"
        install(f"v{version}-dist", {f"v{version}_plugin": source}, {f"v{version}": f"v{version}_plugin"})


_NOTICE = "plugin 'v2' of v2-dist 1.0 is written for version 2 of the plugin API, which is deprecated"


def test_api_versions(cli: Cli, aged: None) -> None:
    """The table tells the version that is served, the one that will go, and the one that is refused with what to do."""
    out = cli("plugins").out
    rows = {line.split()[0]: line.split()[3:] for line in out.splitlines() if "-dist" in line and "  " in line}
    assert rows["v1"] == ["failed", "(api)"]
    assert rows["v2"] == ["deprecated", "(API", "2)"]
    assert rows["v3"] == ["ok"]
    assert _NOTICE in out
    assert "takes 2 to 3; upgrade the plugin: pip install --upgrade v1-dist" in out
    plugins = {plugin["name"]: plugin for plugin in cli("plugins", "--json").json()["plugins"]}
    assert plugins["v2"]["api"] == 2 and plugins["v2"]["notice"].startswith(_NOTICE)
    assert plugins["v3"]["api"] == 3 and plugins["v3"]["notice"] is None


def test_verbs_warn_of_old_plugins(cli: Cli, aged: None) -> None:
    """A verb that uses plugins says on stderr, in one line each, what will stop working; stdout stays data."""
    done = cli("encoders", "--json")
    assert done.json()["encoders"]
    (line,) = [line for line in done.err.splitlines() if "v2-dist" in line]
    assert line.startswith(f"harness: warning: {_NOTICE}") and line.endswith("see `harness plugins`")
    assert "v3-dist" not in done.err


def test_traceback(cli: Cli, three: None) -> None:
    """--traceback shows where in the plugin it went wrong."""
    out = cli("plugins", "--traceback").out
    assert "Traceback" in out and 'bad_plugin.py", line 2' in out


def test_json(cli: Cli, three: None) -> None:
    """--json holds plugins, failures with stage and traceback, and conflicts by name."""
    found = cli("plugins", "--json").json()
    (failure,) = [f for f in found["failures"] if f["distribution"] == "bad-dist"]
    assert (failure["name"], failure["version"], failure["stage"]) == ("bad", "1.0", "import")
    assert failure["error"] == "ImportError: too old" and "line 2" in failure["traceback"]
    assert sorted(found["conflicts"]["twin"]) == ["one-dist:twin", "two-dist:twin"]
    (two,) = [p for p in found["plugins"] if p["distribution"] == "two-dist"]
    assert (two["encoders"], two["trainers"], two["objectives"]) == (["twin"], ["coach"], ["aim"])
    assert sorted(found["objective_conflicts"]["aim"]) == ["one-dist:aim", "two-dist:aim"]


def test_safe_mode_by_variable(cli: Cli, three: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """HARNESS_NO_PLUGINS is the flag --no-plugins."""
    monkeypatch.setenv("HARNESS_NO_PLUGINS", "1")
    assert len(cli("plugins", "--json").json()["plugins"]) == 1
