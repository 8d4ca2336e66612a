"""README.md says what is so: its commands are CI's, its tables are the boards', its Python runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.cli.main import main


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    """The README."""
    return (repository / "README.md").read_text("utf-8")


def test_ci_runs_the_test_command_of_the_readme(page: str, repository: Path) -> None:
    """The second command block is the last line of .ci/run, to the letter."""
    blocks = re.findall(r"```console\n(.*?)\n```", page, flags=re.DOTALL)
    assert "tox" in blocks[1]
    assert (repository / ".ci" / "run").read_text("utf-8").splitlines()[-1] == blocks[1]


def test_contributing_gives_the_same_test_command(page: str, repository: Path) -> None:
    """CONTRIBUTING.md and README.md do not drift apart."""
    command = re.findall(r"```console\n(.*?)\n```", page, flags=re.DOTALL)[1]
    assert f"$ {command}\n" in (repository / "CONTRIBUTING.md").read_text("utf-8")


def test_tables_of_results_stand_on_the_boards(page: str, repository: Path) -> None:
    """Every row of a result table in the README is a row of a generated board."""
    boards = "\n".join(p.read_text("utf-8") for p in sorted((repository / "leaderboards").glob("*.md")))
    rows = [line for line in page.splitlines() if line.startswith("| ") and re.search(r"\| \**\d+\.\d\**", line)]
    assert len(rows) >= 8
    for row in rows:
        assert row in boards.splitlines(), row


def test_python_example_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Python block prints a frame with both languages."""
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "mr-tydi" in printed
    assert re.search(r"\bsw\b", printed)
    assert re.search(r"\bte\b", printed)


def test_every_verb_of_the_readme_exists(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each `harness VERB` in the README answers --help."""
    verbs = set(re.findall(r"^harness ([a-z-]+)", page, flags=re.MULTILINE)) | {"check-plugin"}
    assert {"run", "tasks", "encoders", "train", "leaderboard"} <= verbs
    for verb in sorted(verbs):
        assert main([verb, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out
