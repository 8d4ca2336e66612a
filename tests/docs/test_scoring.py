"""docs/scoring.md, done as written: its files scored by its commands print what it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("run.txt", "qrels.txt", "predictions.json", "answers.jsonl")


@pytest.fixture
def blocks(repository: Path) -> list[tuple[str, str]]:
    """The fenced blocks of the page: (language, text)."""
    page = (repository / "docs" / "scoring.md").read_text("utf-8")
    return re.findall(r"```(\w+)\n(.*?)```", page, flags=re.DOTALL)


def test_the_commands_print_what_the_page_shows(
    blocks: list[tuple[str, str]], cli: Callable[..., Any], tmp_path: Path
) -> None:
    """The blocks are the files, in order, and each command ends in warnings and a table, to the letter."""
    files = [text for language, text in blocks if language != "console"]
    for name, text in zip(_NAMES, files, strict=True):
        (tmp_path / name).write_text(text, "utf-8")
    shown = [text for language, text in blocks if language == "console"]
    assert len(shown) == 2
    for text in shown:
        command, _, output = text.partition("\n")
        done = cli(*command.removeprefix("$ harness ").split())
        assert done.code == 0
        printed = done.err.splitlines() + [line.rstrip() for line in done.out.splitlines() if line.strip()]
        assert printed == output.splitlines()


def test_every_variable_and_flag_of_the_page_exists(repository: Path, cli: Callable[..., Any]) -> None:
    """Flags that the page names are in the verb's help."""
    page = (repository / "docs" / "scoring.md").read_text("utf-8")
    text = cli("score", "--help").out
    flags = set(re.findall(r"--[a-z-]+", page))
    assert {"--run", "--task", "--qrels", "--answers", "--per-query", "--json"} <= flags
    assert all(flag in text for flag in flags), flags
