"""The page about formats: its examples are read, and give what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness_lamir.data.names import language_of
from harness_lamir.data.readers import FORMATS, entries, format_for, reader_for
from harness_lamir.recipe import Source

_PAGE = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
_SECTIONS = {
    title.strip("`"): body
    for title, body in re.findall(r"^### (.+?)\n(.*?)(?=^#{2,3} |\Z)", _PAGE, re.MULTILINE | re.DOTALL)
}
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _examples(section: str) -> list[tuple[dict[str, str], str]]:
    """The files of a section with their attributes, and the rows that they give."""
    return [(dict(re.findall(r"(\w+)=(\S+)", words)), body) for _, words, body in _FENCE.findall(_SECTIONS[section])]


def test_every_format_has_a_section() -> None:
    """No format is left out of the page, and none is made up."""
    assert list(_SECTIONS) == list(FORMATS)


def test_the_table_is_the_registry() -> None:
    """Names, kinds and the files that are known by their name are those of the code."""
    rows = re.findall(r"^\| \[`(\w+)`\]\(#(\w+)\) \| (.*?) \| (.*?) \| (.*?) \|$", _PAGE, re.MULTILINE)
    assert [name for name, *_ in rows] == list(FORMATS)
    for name, anchor, kinds, names, summary in rows:
        assert anchor == name
        assert tuple(re.findall(r"`(\w+)`", kinds)) == FORMATS[name].kinds
        assert summary == FORMATS[name].summary.removesuffix(".")
        for example in re.findall(r"`([^`]+)`", names):
            assert FORMATS[name].guess(Path(example)) or example in FORMATS[name].suffixes or name == "moses"


@pytest.mark.parametrize("section", FORMATS)
def test_examples(section: str, write: Callable[..., Path], source: Callable[..., Source]) -> None:
    """Every example of the page is read by the format that it stands under, and gives the rows below it."""
    examples = _examples(section)
    assert examples
    waiting: list[tuple[Path, dict[str, str]]] = []
    kinds = set()
    for attributes, body in examples:
        if "file" in attributes:
            waiting.append((write(attributes["file"], body), attributes))
            continue
        settings: dict[str, Any] = dict(waiting[-1][1])
        kind = settings.pop("kind")
        settings.pop("file")
        kinds.add(kind)
        if "column" in settings:
            settings["column"] = int(settings["column"])
        made = source(**settings)
        paths = [path for path, _ in waiting]
        waiting.clear()
        format = format_for(paths[-1], kind, made)
        assert format.name == section
        if format.join is not None:
            rows = [row for _, row in format.join(paths, made)]
        else:
            rows = [
                row for path in entries(paths[-1:], kind, made) for _, row in reader_for(path, kind, made)(path, made)
            ]
        assert "".join(f"{row!r}\n" for row in rows) == body
    assert not waiting
    assert kinds == set(FORMATS[section].kinds)


def test_languages_of_names() -> None:
    """The table of names says what the code makes of them."""
    rows = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \| `(\w+)` \|", _PAGE, re.MULTILINE)
    assert len(rows) >= 3
    for names, language in rows:
        for name in re.findall(r"`([^`]+)`", names):
            assert language_of(Path(name)) == language
