"""The README: its examples run, and its table of options is the schema."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from harness_mteb.plugin import MtebEncoderOptions

from harness.cli.main import main

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command after a $ ends with exit code 0, without a network."""
    monkeypatch.chdir(tmp_path)
    commands = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    assert commands
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "harness" and main(arguments) == 0


def test_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The example finds what it looks for."""
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out.strip() == "1.0"


def test_the_table_is_the_schema() -> None:
    """Every option with its default and its description, in order."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", README, re.MULTILINE)
    expected = []
    for name, field in MtebEncoderOptions.model_fields.items():
        default = {None: "none", False: "false"}.get(field.default, str(field.default))
        expected.append((name, "required" if field.is_required() else default, field.description))
    assert [(name, default, text.removesuffix(" (`mteb` alone)")) for name, default, text in rows] == expected
