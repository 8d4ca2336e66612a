"""The README: its examples run, and its table of options is the schema."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from harness_mteb.plugin import MtebEncoderOptions, MtebOptions

from harness.cli.main import main
from harness.testing import options_table

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
    """Every option with its default and its description, in order; and those that one kind alone has."""
    assert options_table(MtebEncoderOptions) in README
    alone = [name for name in MtebEncoderOptions.model_fields if name not in MtebOptions.model_fields]
    assert f"\n{' and '.join(f'`{name}`' for name in alone)} are options of `mteb` alone.\n" in README
