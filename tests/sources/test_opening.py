"""The word behind `--source`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.sources import open_source
from harness.sources.folder import FolderSource
from harness.sources.pocket import PocketSource
from harness.tasks.selection import Selection, select


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
    assert caught.value.message == f"source {name!r} is neither 'pocket' nor 'hub' nor an existing folder"
    assert "pocket" in str(caught.value.hint)


def test_a_file_is_no_source(tmp_path: Path) -> None:
    """The path of a file that is no archive is refused."""
    (tmp_path / "corpus.jsonl").touch()
    with pytest.raises(UsageError, match="neither a folder nor an archive"):
        open_source(str(tmp_path / "corpus.jsonl"))


@pytest.mark.parametrize("option", ["corpus_from", "passage_template"])
def test_folder_options_do_not_go_with_pocket(option: str) -> None:
    """Options that only a folder honours are refused rather than ignored."""
    with pytest.raises(UsageError):
        open_source("pocket", **{option: "{text}"})


@pytest.mark.parametrize("ending", [".zip", ".tar.gz"])
def test_an_archive_in_beir_layout(ending: str, tmp_path: Path, write_subset: Callable[..., Path]) -> None:
    """What BEIR publishes as scifact.zip is a source without unpacking it: same task, same text as the folder."""
    write_subset(tmp_path / "plain" / "scifact", {"d": "x", "e": "z"}, {"q": "y"}, {"q": {"d": 1}})
    made = shutil.make_archive(
        str(tmp_path / "scifact"), "zip" if ending == ".zip" else "gztar", tmp_path / "plain", "scifact"
    )
    packed, plain = (open_source(str(path)) for path in (made, tmp_path / "plain" / "scifact"))
    (item,), (own,) = select(packed.tasks(), Selection()), select(plain.tasks(), Selection())
    assert item.label == own.label == "scifact/scifact"
    assert packed.load(item).fingerprint == plain.load(own).fingerprint


def test_files_of_a_benchmark_that_are_not_enough(tmp_path: Path) -> None:
    """A folder with judgements and no corpus names the benchmark, and the command that lists what is missing."""
    (tmp_path / "qrels.mrtydi-v1.1-sw.test.txt").write_text("1 Q0 5#0 1\n", "utf-8")
    with pytest.raises(UsageError, match="files of mr-tydi are there, and no subset is complete") as caught:
        open_source(str(tmp_path))
    assert caught.value.hint == f"What is missing: harness data mr-tydi --source {tmp_path}"
