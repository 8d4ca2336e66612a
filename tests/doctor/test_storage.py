"""Where caches are, and how much is in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.doctor import storage
from harness.doctor.storage import Usage, findings, hub_cache, usage


def test_usage_counts_every_file_once(tmp_path: Path) -> None:
    """Hard links count once, links not at all, below any depth; an absent folder holds nothing."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"x" * 1000)
    (tmp_path / "small").write_bytes(b"x" * 10)
    os.link(tmp_path / "small", tmp_path / "a" / "same")
    (tmp_path / "link").symlink_to(tmp_path / "a" / "b" / "file")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert usage(tmp_path) == Usage(2, 1010)
    assert usage(tmp_path / "none") == Usage(0, 0)
    assert str(Usage(2, 1010)) == "1 kB in 2 files"


def test_usage_gives_up_in_time(tmp_path: Path) -> None:
    """A count that takes too long says that there is more."""
    for i in range(3):
        (tmp_path / str(i)).mkdir()
        (tmp_path / str(i) / "file").write_bytes(b"x")
    found = usage(tmp_path, patience=-1)
    assert not found.complete
    assert str(Usage(1, 5, complete=False)) == "more than 5 B in more than 1 file"


def test_parts_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part is found where the harness puts it, with its size in bytes for machines."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))
    for folder, count in (("embeddings", 3000), ("corpora", 5), ("hf", 7)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_bytes(b"x" * count)
    found = {finding.name: finding for finding in findings()}
    assert found["folder"].status == "ok" and found["folder"].data["path"] == str(tmp_path)
    assert {name: f.data["bytes"] for name, f in found.items() if name != "folder"} == {
        "embeddings": 3000, "corpora": 5, "archives": 0, "downloads": 0, "hub": 0, "hugging face hub": 7
    }  # fmt: skip
    assert found["embeddings"].value == "vectors of texts: 3 kB in 1 file"


def test_folders_are_those_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run leaves its vectors where the doctor looks for them."""
    import harness

    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    harness.evaluate(
        "hashing", select=harness.Selection(tasks=("miracl/sw",)), settings=harness.Settings(output=tmp_path / "out")
    )
    assert {path.name for path in (tmp_path / "cache").iterdir()} <= set(storage.FOLDERS)
    assert {f.name: f for f in findings()}["embeddings"].data["files"] > 0


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}, "/a"),
        ({"HF_HOME": "/b", "XDG_CACHE_HOME": "/c"}, "/b/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
        ({"HOME": "/h"}, "/h/.cache/huggingface/hub"),
    ],
)
def test_hub_cache(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str) -> None:
    """The variables of huggingface_hub in the order in which it reads them."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(hub_cache()) == expected


def test_hub_cache_is_what_the_library_says() -> None:
    """As installed and set here, huggingface_hub agrees."""
    constants = pytest.importorskip("huggingface_hub.constants")
    assert hub_cache() == Path(constants.HF_HUB_CACHE)


def test_a_cache_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file where the folder should be is a problem; a folder that is not there yet is none."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file" / "cache"))
    assert next(findings()).status == "problem"
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "deep" / "cache"))
    assert next(findings()).status == "ok"
    assert not (tmp_path / "deep").exists()


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without the right to write is a problem with what to do."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    finding = next(findings())
    assert (finding.status, "HARNESS_CACHE" in (finding.hint or "")) == ("problem", True)


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Little room is a warning."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.setattr(storage, "_LITTLE", 1 << 80)
    assert next(findings()).status == "warning"
