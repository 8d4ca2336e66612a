"""The README: its examples run, and its table of options is the schema."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
from harness_beir.plugin import BeirOptions

from harness.cli.main import main
from harness.testing import options_table

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_a_model_by_reference_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module of the example, in the current folder, under the command of the example."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "letters.py").write_text(blocks("python")[0])
    (command,) = (line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ "))
    path, program, *arguments = shlex.split(command)
    try:
        assert (path, program) == ("PYTHONPATH=.", "harness") and main(arguments) == 0
    finally:
        sys.modules.pop("letters", None)


def test_an_encoder_runs_in_beir(capsys: pytest.CaptureFixture[str]) -> None:
    """The example finds what it looks for."""
    exec(compile(blocks("python")[1], "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out.strip().splitlines()[-1] == "1.0"


def test_the_table_is_the_schema() -> None:
    """Every option with its default and its description, in order."""
    assert options_table(BeirOptions) in README
