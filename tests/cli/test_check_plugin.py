"""`harness check-plugin`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.testing import CHECKS, checks_for

Cli = Callable[..., Any]
Install = Callable[..., Path]

_PLUGIN = (
    "from harness.plugins import EncoderSpec, hookimpl\n"
    "@hookimpl\ndef harness_encoders():\n"
    "    return [EncoderSpec('same', 'same:Same', '', expected_failures={expected})]\n"
)
_ENCODER = """
import numpy as np
from harness.encoders.protocols import EncoderInfo
class Same:
    info = EncoderInfo(name="same", dim=4, fingerprint="same")
    def __init__(self, options):
        print("loading")
    def encode(self, texts, *, role, language=None):
        return np.full((len(texts), 4), 0.5, dtype=np.float32)
"""
_ENCODER_CHECKS = checks_for("encoder")


@pytest.fixture
def same(install: Install) -> Callable[[dict[str, str]], None]:
    """A function that installs an encoder that knows one vector, and declares which failures it expects."""

    def put(expected: dict[str, str]) -> None:
        plugin = _PLUGIN.replace("{expected}", repr(expected))
        install("same-dist", {"same_plugin": plugin, "same": _ENCODER}, {"same": "same_plugin"})

    return put


def test_healthy_encoder(cli: Cli) -> None:
    """Who is checked, a line for each check with its reason where it was skipped, the counts, and exit 0."""
    done = cli("check-plugin", "random", "-o", "dim=16")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].startswith("encoder lamir-harness:random ")
    rows = [line.split()[:2] for line in lines[1:-1] if not line.startswith(" ")]
    assert [id for _, id in rows] == [check.id for check in _ENCODER_CHECKS]
    skipped = [id for status, id in rows if status == "skipped"]
    assert skipped == ["fingerprint-weights", "pickles"]
    assert lines.count("           no option names a local folder with safetensors weights") == 2
    assert lines[-1] == f"{len(rows) - 2} passed, 0 failed, 2 skipped, 0 expected, 0 unexpected"


def test_broken_encoder(cli: Cli, same: Callable[[dict[str, str]], None]) -> None:
    """A failed check shows its reason and what to do, and the exit code is 1."""
    same({})
    done = cli("check-plugin", "same")
    assert done.code == 1
    assert ", 1 failed, " in done.out
    assert "           different texts have the same vector\n           → Look at pooling" in done.out


def test_exceptions_can_be_looked_up(cli: Cli, install: Install) -> None:
    """Where an encoder raises, the last line is the command that shows where; hints are about something else."""
    encoder = _ENCODER.replace("return np.full", "raise KeyError('no') or np.full")
    options = "class Options(EncoderOptions):\n    size: int = 1\n"
    plugin = _PLUGIN.format(expected="{}").replace("import ", "import EncoderOptions, ", 1)
    plugin = plugin.replace("@hookimpl", options + "@hookimpl").replace("'', ", "'', Options, ")
    install("same-dist", {"same_plugin": plugin, "same": encoder}, {"same": "same_plugin"})
    last = cli("check-plugin", "same", "-o", "size=2").out.splitlines()[-1]
    command = "harness --traceback check-plugin same --only shape -o size=2"
    assert last == f"To see where KeyError was raised: {command}"
    shown = cli(*command.split()[1:])
    assert "in encode" in shown.err and "To see where" not in shown.out


def test_expected_failure(cli: Cli, same: Callable[[dict[str, str]], None]) -> None:
    """A failure that is declared shows the declared reason, and the exit code is 0."""
    same({"distinct": "a toy"})
    done = cli("check-plugin", "same")
    assert done.code == 0
    assert "expected   distinct " in done.out and "           a toy\n" in done.out
    assert done.out.splitlines()[-1].endswith("0 failed, 3 skipped, 1 expected, 0 unexpected")


def test_unexpected_pass(cli: Cli, same: Callable[[dict[str, str]], None]) -> None:
    """A check that passes and is declared to fail is a failure, with what to do."""
    same({"distinct": "a toy", "shape": "flat"})
    done = cli("check-plugin", "same")
    assert done.code == 1
    assert "unexpected shape " in done.out
    assert "it passed, and is declared to fail: flat\n           → Take it out of expected_failures." in done.out


def test_json(cli: Cli, same: Callable[[dict[str, str]], None]) -> None:
    """--json is one object with who, how many, and every check, whatever the encoder prints."""
    same({})
    done = cli("check-plugin", "same", "--json")
    assert done.code == 1
    found = done.json()
    assert (found["encoder"], found["kind"], found["ok"]) == ("same-dist:same", "encoder", False)
    assert (found["distribution"], found["version"]) == ("same-dist", "1.0")
    assert [check["id"] for check in found["checks"]] == [check.id for check in _ENCODER_CHECKS]
    assert [check["id"] for check in found["checks"] if check["status"] == "failed"] == ["distinct"]
    assert found["counts"]["failed"] == 1 and sum(found["counts"].values()) == len(_ENCODER_CHECKS)


def test_what_many_checks_are_skipped_for_is_said_once(cli: Cli, install: Install) -> None:
    """After a model that cannot be loaded there is one line for all that could not be checked, and all are counted."""
    install("same-dist", {"same_plugin": _PLUGIN.replace("{expected}", "{}")}, {"same": "same_plugin"})
    done = cli("check-plugin", "same")
    assert done.code == 1
    (line,) = [line for line in done.out.splitlines() if line.startswith("skipped")]
    assert line.endswith("it could not be loaded; the check `loads` tells why")
    assert f", {line.split()[1]} skipped, " in done.out.splitlines()[-2 if "To see" in done.out else -1]


def test_traceback(cli: Cli, same: Callable[[dict[str, str]], None]) -> None:
    """--traceback shows on stderr where a check failed; without it there is none."""
    same({})
    done = cli("--traceback", "check-plugin", "same", "--only", "distinct")
    assert done.code == 1
    assert "Traceback" in done.err and "in distinct" in done.err and "Traceback" not in done.out
    assert "Traceback" not in cli("check-plugin", "same", "--only", "distinct").err


def test_only(cli: Cli, same: Callable[[dict[str, str]], None]) -> None:
    """--only runs the named checks and no other; what was not asked for cannot fail."""
    same({})
    done = cli("check-plugin", "same", "--only", "shape", "--only", "dtype", "--json")
    assert done.code == 0
    assert [check["id"] for check in done.json()["checks"]] == ["shape", "dtype"]
    done = cli("check-plugin", "same", "--only", "shap")
    assert done.code == 4
    assert "there is no check 'shap'" in done.err and "Did you mean 'shape'?" in done.err


def test_nothing_checked_is_a_failure(cli: Cli) -> None:
    """A run in which everything was skipped says so and exits with 1."""
    done = cli("check-plugin", "random", "--only", "pickles")
    assert done.code == 1
    assert done.out.splitlines()[-1] == "no check could be run, which is a failure"
    assert cli("check-plugin", "random", "--only", "pickles", "--json").json()["ok"] is False


def test_list(cli: Cli) -> None:
    """--list shows every check with its reason, or those of one model's kind, and loads nothing."""
    done = cli("check-plugin", "--list")
    assert done.code == 0
    assert all(check.why in done.out for check in CHECKS)
    found = cli("check-plugin", "hashing", "--list", "--json").json()["checks"]
    assert [check["id"] for check in found] == [check.id for check in _ENCODER_CHECKS]
    assert all(check["why"] and check["hint"] and "encoder" in check["kinds"] for check in found)


def test_mistakes(cli: Cli) -> None:
    """No name, an unknown one, and an option that does not read key=value, are usage errors."""
    assert "Did you mean 'random'?" in cli("check-plugin", "randm").err
    assert cli("check-plugin", "randm").code == 4
    assert cli("check-plugin", "random", "-o", "dim").code == 4
    done = cli("check-plugin")
    assert done.code == 4 and "name what is to be checked" in done.err
