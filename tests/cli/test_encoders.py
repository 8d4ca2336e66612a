"""`harness encoders`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.plugins.catalogue import Listed

Cli = Callable[..., Any]
Install = Callable[..., Path]

_PLUGIN = """
from pathlib import Path
from pydantic import Field
from harness.plugins import EncoderOptions, EncoderSpec, hookimpl
class Options(EncoderOptions):
    model: str = Field(description="a folder")
    layers: list[int] = Field(default_factory=lambda: [1, 2])
    cache: Path = Path("cache")
@hookimpl
def harness_encoders():
    return [EncoderSpec("{name}", "x:Y", "a summary", Options, languages=("sw", "yo"))]
"""


def test_list(cli: Cli) -> None:
    """Every encoder is a row with its kind, languages, needs, distribution and summary."""
    done = cli("--no-plugins", "encoders")
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines() if line.strip()][2:]
    assert [row[:6] for row in rows] == [
        [name, "encoder", "any", "–", "lamir-harness", harness.__version__] for name in ("hashing", "random")
    ]
    assert "what chance scores" in done.out


def test_json(cli: Cli) -> None:
    """--json gives the same as data, options with defaults included."""
    entries = cli("--no-plugins", "encoders", "--json").json()["encoders"]
    assert [entry["name"] for entry in entries] == ["hashing", "random"]
    assert entries[1]["training_datasets"] == []
    assert entries[1]["options"] == [
        {"name": "dim", "required": False, "default": 64, "description": "dimensions of the vectors"},
        {"name": "seed", "required": False, "default": 0, "description": "changes every vector"},
    ]


def test_one_encoder(cli: Cli) -> None:
    """With a name the options of that encoder are explained."""
    done = cli("encoders", "hashing")
    assert done.out.startswith("hashing: hashed character n-grams")
    assert "  -o min_n=…  shortest character n-gram (default 3)\n" in done.out
    assert cli("encoders", "lamir-harness:hashing", "--json").json()["name"] == "hashing"


_OFFERED = Listed("acme", "searcher", "harness-acme", "acme", ("sw", "yo"), ("an index",), "finds things")


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first-party plugin `harness-acme` that is not installed."""
    monkeypatch.setattr("harness.plugins.catalogue.first_party", lambda: (_OFFERED,))


@pytest.mark.usefixtures("offered")
def test_what_is_not_installed_is_listed_with_the_command(cli: Cli) -> None:
    """A plugin of this project that is absent has a row, and a line says how to get it; --json says the same."""
    out = cli("encoders").out
    (row,) = [line.split() for line in out.splitlines() if line.split()[:1] == ["acme"]]
    assert row == ["acme", "searcher", "sw,", "yo", "an", "index", "not", "installed", "finds", "things"]
    assert out.endswith("To get acme: pip install harness-acme\n")
    entries = {entry["name"]: entry for entry in cli("encoders", "--json").json()["encoders"]}
    assert entries["acme"]["installed"] is False and entries["acme"]["command"] == "pip install harness-acme"
    assert entries["hashing"]["installed"] is True and "command" not in entries["hashing"]
    assert "acme" not in cli("--no-plugins", "encoders").out


@pytest.mark.usefixtures("offered")
def test_asking_for_what_is_not_installed_tells_the_command(cli: Cli) -> None:
    """The error is better than a suggestion of some other name."""
    for name in ("acme", "harness-acme:acme"):
        done = cli("run", "--encoder", name)
        assert done.code == 4 and f"there is no encoder {name!r}" in done.err
        assert "A plugin of this project has it: pip install harness-acme" in done.err


@pytest.mark.usefixtures("offered")
def test_what_is_installed_and_broken_is_not_offered_again(cli: Cli, install: Install) -> None:
    """Installing a broken plugin once more would not help: the row points to its failure instead."""
    install("harness-acme", {"acme_plugin": "import no_such_module_anywhere"}, {"acme": "acme_plugin"})
    out = cli("encoders").out
    assert "broken: `harness plugins`" in out and "pip install" not in out
    (entry,) = [e for e in cli("encoders", "--json").json()["encoders"] if e["name"] == "acme"]
    assert entry["broken"] is True and "command" not in entry


@pytest.mark.usefixtures("offered")
def test_what_is_installed_is_listed_once(cli: Cli, install: Install) -> None:
    """An installed plugin has one row, with its version and what its required options ask for."""
    install("harness-acme", {"acme_plugin": _PLUGIN.replace("{name}", "acme")}, {"acme": "acme_plugin"})
    (row,) = [line.split() for line in cli("encoders").out.splitlines() if line.split()[:1] == ["acme"]]
    assert row == ["acme", "encoder", "sw,", "yo", "-o", "model=…", "harness-acme", "1.0", "a", "summary"]


def test_misspelt_encoder(cli: Cli) -> None:
    """A misspelt name is answered with the nearest one."""
    done = cli("encoders", "hashin")
    assert (done.code, done.out) == (4, "")
    assert "there is no encoder 'hashin'" in done.err and "Did you mean 'hashing'?" in done.err


@pytest.mark.parametrize(
    "arguments", [["encoders", "--json"], ["encoders", "acme", "--json"], ["encoders"], ["encoders", "acme"]]
)
def test_options_of_any_type_can_be_shown(cli: Cli, install: Install, arguments: list[str]) -> None:
    """Defaults that JSON has no word for, and defaults made by a function, do not break the listing."""
    install("acme-dist", {"acme_plugin": _PLUGIN.replace("{name}", "acme")}, {"acme": "acme_plugin"})
    done = cli(*arguments)
    assert (done.code, done.err) == (0, "")
    if arguments[-1] == "--json":
        found = done.json()
        (entry,) = [e for e in found.get("encoders", [found]) if e["name"] == "acme"]
        defaults = {option["name"]: option["default"] for option in entry["options"]}
        assert defaults == {"model": None, "layers": [1, 2], "cache": "cache"}
        assert entry["languages"] == ["sw", "yo"]
    elif len(arguments) == 2:
        assert "-o model=…  a folder (required)" in done.out
        assert "-o layers=…   (default [1, 2])" in done.out


def test_square_brackets_are_no_markup(cli: Cli, install: Install) -> None:
    """A summary with square brackets is shown as it is, and does not end the listing for everyone."""
    source = _PLUGIN.replace("{name}", "acme").replace("a summary", "best [v2] ever [/INST]")
    install("acme-dist", {"acme_plugin": source}, {"acme": "acme_plugin"})
    done = cli("encoders")
    assert done.code == 0
    assert "best [v2] ever [/INST]" in done.out and "hashing" in done.out


def test_clashing_names_are_shown_in_full(cli: Cli, install: Install) -> None:
    """Where two distributions claim a name, the list shows what to ask for instead."""
    for owner in ("one", "two"):
        install(f"{owner}-dist", {f"{owner}_plugin": _PLUGIN.replace("{name}", "twin")}, {"t": f"{owner}_plugin"})
    out = cli("encoders").out
    assert "one-dist:twin" in out and "two-dist:twin" in out
    done = cli("encoders", "twin")
    assert done.code == 4 and "declared by one-dist and two-dist" in done.err
    assert cli("encoders", "two-dist:twin").code == 0


def test_broken_plugin_is_one_line_on_stderr(cli: Cli, install: Install) -> None:
    """A failing plugin costs one line of warning, not the listing; --no-plugins silences it."""
    install("bad-dist", {"bad_plugin": "import no_such_module_anywhere"}, {"bad": "bad_plugin"})
    done = cli("encoders", "--json")
    assert done.code == 0 and "hashing" in {entry["name"] for entry in done.json()["encoders"]}
    (line,) = done.err.splitlines()
    assert line.startswith("harness: warning: plugin 'bad' of bad-dist 1.0 was skipped (import): ModuleNotFoundError")
    assert cli("--no-plugins", "encoders").err == ""
