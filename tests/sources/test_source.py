"""The word behind `--source`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.sources import open_source
from harness.sources.folder import FolderSource
from harness.sources.pocket import PocketSource


def test_pocket_by_name() -> None:
    """`pocket` is the embedded collection."""
    assert isinstance(open_source("pocket"), PocketSource)


def test_folder_by_path(tmp_path: Path, write_subset: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Any existing folder is a source, also by `~` and relative to where one stands."""
    write_subset(tmp_path / "en", {"d": "x"}, {"q": "y"}, {"q": {"d": 1}})
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in (str(tmp_path / "en"), "~/en", "en"):
        source = open_source(name)
        assert isinstance(source, FolderSource)
        assert [task.name for task in source.tasks()] == ["en"]


@pytest.mark.parametrize("name", ["poket", "no/such/folder"])
def test_neither(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word that is neither is refused by name; a misspelt `pocket` is suggested."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        open_source(name)
    assert caught.value.message == f"source {name!r} is neither 'pocket' nor an existing folder"
    assert "pocket" in str(caught.value.hint)


def test_a_file_is_no_source(tmp_path: Path) -> None:
    """The path of a file is refused."""
    (tmp_path / "corpus.jsonl").touch()
    with pytest.raises(UsageError, match="neither 'pocket' nor an existing folder"):
        open_source(str(tmp_path / "corpus.jsonl"))


@pytest.mark.parametrize("option", ["corpus_from", "passage_template"])
def test_folder_options_do_not_go_with_pocket(option: str) -> None:
    """Options that only a folder honours are refused rather than ignored."""
    with pytest.raises(UsageError):
        open_source("pocket", **{option: "{text}"})
