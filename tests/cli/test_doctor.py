"""`harness doctor`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.doctor import Finding, examine

Cli = Callable[..., Any]
Install = Callable[..., Path]

_FOUND = [
    Finding("environment", "python", "3.12", data={"version": "3.12"}),
    Finding("plugins", "a", "harness-a 1: 1 encoder"),
    Finding("plugins", "encoder same", "declared by a and b", "warning", "Ask for a:same or b:same."),
    Finding("plugins", "b", "was skipped [import]", "problem", "pip uninstall b"),
]


@pytest.fixture
def fixed(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Finding]], None]:
    """A function that fixes what is found."""

    def fix(findings: list[Finding]) -> None:
        monkeypatch.setattr("harness.doctor.examine", lambda registry, *, torch: findings)

    return fix


def test_report(cli: Cli, fixed: Any) -> None:
    """A paragraph for each group, a mark and a hint where something is wrong, a count; a problem is exit 1."""
    fixed(_FOUND)
    done = cli("doctor")
    assert done.code == 1
    assert done.out.splitlines() == [
        "environment",
        "  python        3.12",
        "",
        "plugins",
        "  a             harness-a 1: 1 encoder",
        "! encoder same  declared by a and b",
        "                → Ask for a:same or b:same.",
        "✗ b             was skipped [import]",
        "                → pip uninstall b",
        "",
        "1 problem, 1 warning",
    ]


def test_exit_codes(cli: Cli, fixed: Any) -> None:
    """Warnings are no failure."""
    fixed(_FOUND[:3])
    assert cli("doctor").code == 0
    fixed(_FOUND[:2])
    done = cli("doctor")
    assert (done.code, done.out.splitlines()[-1]) == (0, "Everything looks well.")


def test_json(cli: Cli, fixed: Any) -> None:
    """--json is one object: the worst status, and every finding with what machines need."""
    fixed(_FOUND)
    done = cli("doctor", "--json")
    assert done.code == 1
    found = done.json()
    assert found["status"] == "problem"
    assert found["findings"][0] == {
        "group": "environment", "name": "python", "value": "3.12", "status": "ok", "hint": None,
        "data": {"version": "3.12"},
    }  # fmt: skip
    assert [finding["status"] for finding in found["findings"]] == ["ok", "ok", "warning", "problem"]


def test_what_is_wrong_here_is_found(cli: Cli, install: Install) -> None:
    """Broken plugins, clashes, damage and other projects of our name, as an installer leaves them."""
    head = "from harness.plugins import EncoderSpec, hookimpl\n@hookimpl\ndef harness_encoders():\n    return "
    install("broken-dist", {"broken_plugin": "raise ImportError('gone')"}, {"broken": "broken_plugin"})
    install("copy-dist", {"copy_plugin": head + "[EncoderSpec('hashing', 'a:b', '')]"}, {"copy": "copy_plugin"})
    folder = install("damaged-dist", {}, {"damaged": "x"})
    (folder / "damaged_dist-1.0.dist-info" / "METADATA").unlink()
    other = install("harness-io", {}, {})
    (other / "harness_io-1.0.dist-info" / "RECORD").write_text("harness/__init__.py,,\n")
    done = cli("doctor", "--json")
    assert done.code == 1
    found = {finding["name"]: finding for finding in done.json()["findings"]}
    assert found["broken"]["status"] == "problem" and "gone" in found["broken"]["value"]
    assert found["encoder hashing"]["status"] == "warning"
    assert found["damaged_dist-1.0.dist-info"]["status"] == "problem"
    assert found["import package harness"]["value"] == "claimed by harness-io 1.0 as well"
    assert "Plugins were left out" in cli("--no-plugins", "doctor").out


def test_groups(cli: Cli) -> None:
    """All that the doctor is asked for: environment, hardware, packages, plugins, caches, settings."""
    groups = [finding["group"] for finding in cli("doctor", "--json").json()["findings"]]
    assert list(dict.fromkeys(groups)) == ["environment", "hardware", "packages", "plugins", "caches", "settings"]


def test_nothing_is_imported_that_a_run_would_need() -> None:
    """Torch, its relatives and numpy stay out, as they do when encoders are listed."""
    code = (
        "import sys\nfrom harness.cli.main import main\nmain(['doctor', '--json'])\n"
        "print([m for m in ('torch', 'transformers', 'numpy', 'pyarrow', 'pandas', 'huggingface_hub') "
        "if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env={**os.environ, "NO_COLOR": "1"}
    )
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_secrets_stay_where_they_are(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The value of a token is in neither report."""
    monkeypatch.setenv("HF_TOKEN", "hf_neverToBeSeen")
    for arguments in ((), ("--json",)):
        out = cli("doctor", *arguments).out
        assert "HF_TOKEN" in out and "neverToBeSeen" not in out


def test_looking_changes_nothing(tmp_path: Path) -> None:
    """No cache folder is made by being looked for."""
    from harness.plugins.manager import discover

    examine(discover([]))
    assert not (tmp_path / "cache").exists()
