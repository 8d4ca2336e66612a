"""The folder beside the output: one process at a time, and nothing left where nothing is to be resumed."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_lamir.training.unfinished import EVALUATION, clear, copy_logs, held, newest, state_folder

from harness.errors import HarnessError, UsageError


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """A second run into the same output is refused, by name; another output is free, and so is the first when done."""
    output = tmp_path / "model"
    with held(output):
        with pytest.raises(UsageError, match="another process is training into it") as caught, held(output):
            pass
        assert str(output) in str(caught.value)
        assert state_folder(output).is_dir()  # the one that was refused took nothing away
        with held(tmp_path / "other"):
            pass
    with held(output):
        pass


def test_it_stays_only_with_a_state(tmp_path: Path) -> None:
    """Without one even the folders that were made for it go; what an evaluation kept goes in any case."""
    output = tmp_path / "new" / "deep" / "model"
    with held(output) as folder:
        (folder / "log.jsonl").write_text("{}")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(HarnessError, match="stop"), held(output) as folder:
        (folder / "step-00000002").mkdir()
        (folder / "step-00000010").mkdir()
        (folder / EVALUATION).mkdir()
        raise HarnessError("stop")
    assert newest(folder) == folder / "step-00000010" and not (folder / EVALUATION).exists()
    (tmp_path / "new" / "mine").write_text("")
    with held(output) as folder:
        clear(folder)
        assert [path.name for path in folder.iterdir()] == ["lock"]
    assert not folder.exists() and (tmp_path / "new" / "mine").exists()


def test_logs_are_all_that_is_copied(tmp_path: Path) -> None:
    """Neither states, whole or half, nor the lock."""
    with held(tmp_path / "model") as folder:
        for name in ("step-00000001", ".step-00000002", EVALUATION, "tensorboard"):
            (folder / name).mkdir()
        (folder / "log.jsonl").write_text("{}")
        (tmp_path / "target").mkdir()
        copy_logs(folder, tmp_path / "target")
    assert sorted(path.name for path in (tmp_path / "target").iterdir()) == ["log.jsonl", "tensorboard"]


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    """The parent is a file: no traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="cannot be written"), held(tmp_path / "file" / "model"):
        pass
