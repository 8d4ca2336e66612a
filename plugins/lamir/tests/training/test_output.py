"""The output folder: whole or not there."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from harness_lamir.training.output import check_output, draft_of

from harness.errors import HarnessError, UsageError


def names(folder: Path) -> list[str]:
    """Return what is in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("umask", "file", "folder"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700)])
def test_nothing_appears_before_everything_is_written(
    tmp_path: Path, request: pytest.FixtureRequest, umask: int, file: int, folder: int
) -> None:
    """The folder is there at the end, readable for whom the user lets, with nothing beside it."""
    output = tmp_path / "models" / "m"
    request.addfinalizer(partial(os.umask, os.umask(umask)))
    with draft_of(output) as draft:
        (draft / "part").mkdir()
        (draft / "part" / "x.txt").write_text("x")
        (draft / "part" / "x.txt").chmod(0o600)
        assert not output.exists()
    assert names(output) == ["part"] and names(tmp_path / "models") == ["m"]
    assert (output / "part" / "x.txt").stat().st_mode & 0o777 == file
    assert output.stat().st_mode & 0o777 == folder


def test_a_failure_keeps_the_old_folder(tmp_path: Path) -> None:
    """Whole, with nothing of the new one; success replaces it as a whole."""
    output = tmp_path / "m"
    output.mkdir()
    (output / "old.txt").write_text("old")
    with pytest.raises(ZeroDivisionError), draft_of(output) as draft:
        (draft / "new.txt").write_text("new")
        raise ZeroDivisionError
    assert names(output) == ["old.txt"] and names(tmp_path) == ["m"]
    with draft_of(output) as draft:
        (draft / "new.txt").write_text("new")
    assert names(output) == ["new.txt"] and names(tmp_path) == ["m"]


@pytest.mark.parametrize("error", [OSError("no"), KeyboardInterrupt("no")])
def test_a_rename_that_fails_puts_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """The old one was moved aside by then; Ctrl-C may come just there."""
    output = tmp_path / "m"
    output.mkdir()
    (output / "old.txt").write_text("old")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if target == output and self.name != "old":
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises((HarnessError, KeyboardInterrupt), match="no"), draft_of(output) as draft:
        (draft / "new.txt").write_text("new")
    assert names(output) == ["old.txt"] and names(tmp_path) == ["m"]


def test_what_must_not_be_replaced_is_refused(tmp_path: Path) -> None:
    """A file, and a folder with something in it; an empty folder may be used."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="is a file"):
        check_output(tmp_path / "file", overwrite=True)
    with pytest.raises(UsageError, match="--overwrite"):
        check_output(tmp_path, overwrite=False)
    with pytest.raises(UsageError, match="holds no model"):
        check_output(tmp_path, overwrite=True)
    (tmp_path / "recipe.json").write_text("{}")
    check_output(tmp_path, overwrite=True)
    check_output(tmp_path / "empty", overwrite=False)
    check_output(tmp_path / "none", overwrite=False)


def test_nothing_is_trained_for_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One without a name, or below a file or a folder that nobody may write in, is refused before work starts."""
    (tmp_path / "file").write_text("x")
    for name in (".", "..", "x/.."):
        with pytest.raises(UsageError, match="names no folder of its own"):
            check_output(Path(name), overwrite=True)
    with pytest.raises(UsageError, match=r"nothing can be written in .*file"):
        check_output(tmp_path / "file" / "m", overwrite=False)
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # as on a disk that is read-only
    with pytest.raises(UsageError, match="nothing can be written in"):
        check_output(tmp_path / "models" / "m", overwrite=False)
