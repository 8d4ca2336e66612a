"""`harness check-plugin`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.testing import CHECKS

Cli = Callable[..., Any]
Install = Callable[..., Path]

_PLUGIN = (
    "from harness.plugins import EncoderSpec, hookimpl\n"
    "@hookimpl\ndef harness_encoders():\n    return [EncoderSpec('same', 'same:Same', '')]\n"
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


def test_healthy_encoder(cli: Cli) -> None:
    """All checks pass: one line each, a summary, exit 0."""
    done = cli("check-plugin", "random", "-o", "dim=16")
    assert done.code == 0
    lines = done.out.splitlines()
    assert [line.split()[:2] for line in lines[:-1]] == [["passed", check.id] for check in CHECKS]
    assert lines[-1] == f"{len(CHECKS)} passed, 0 failed"


def test_broken_encoder(cli: Cli, install: Install) -> None:
    """A failed check shows its reason and what to do, and the exit code is 1."""
    install("same-dist", {"same_plugin": _PLUGIN, "same": _ENCODER}, {"same": "same_plugin"})
    done = cli("check-plugin", "same")
    assert done.code == 1
    assert f"{len(CHECKS) - 1} passed, 1 failed" in done.out
    assert "        different texts have the same vector\n        → Look at pooling" in done.out


def test_json(cli: Cli, install: Install) -> None:
    """--json is one object with a status for every check, whatever the encoder prints."""
    install("same-dist", {"same_plugin": _PLUGIN, "same": _ENCODER}, {"same": "same_plugin"})
    done = cli("check-plugin", "same", "--json")
    assert done.code == 1
    found = done.json()
    assert found["encoder"] == "same-dist:same"
    assert [check["id"] for check in found["checks"]] == [check.id for check in CHECKS]
    assert [check["id"] for check in found["checks"] if check["status"] == "failed"] == ["distinct"]


def test_mistakes(cli: Cli) -> None:
    """An unknown encoder, and an option that does not read key=value, are usage errors."""
    assert "Did you mean 'random'?" in cli("check-plugin", "randm").err
    assert cli("check-plugin", "randm").code == 4
    assert cli("check-plugin", "random", "-o", "dim").code == 4
