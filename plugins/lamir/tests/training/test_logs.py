"""The log: every line is JSON, and a run that resumes goes on where its state left it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness_lamir.training.logs import LOG_FILE, Log, check_tensorboard

from harness.errors import UsageError


def lines(folder: Path) -> list[dict[str, object]]:
    """Return the parsed lines of a log."""
    return [json.loads(line) for line in (folder / LOG_FILE).read_text("utf-8").splitlines()]


def test_every_line_is_json(tmp_path: Path) -> None:
    """Steps with their losses and whatever was measured, evaluations with their subsets."""
    log = Log(tmp_path)
    log.step(10, {"ir": 2.5, "semantic": 1.25}, total=3.75, learning_rate=1e-5, elapsed=3.0)
    assert len(lines(tmp_path)) == 1  # readable while the run goes on
    log.evaluation(10, {"xquad/sw": 0.5}, 0.5, 4.0)
    log.close()
    assert lines(tmp_path) == [
        {
            "step": 10,
            "losses": {"ir": 2.5, "semantic": 1.25},
            "total": 3.75,
            "learning_rate": 1e-05,
            "elapsed": 3.0,
        },
        {"step": 10, "evaluation": {"xquad/sw": 0.5}, "mean": 0.5, "elapsed": 4.0},
    ]


def test_lines_after_the_state_go(tmp_path: Path) -> None:
    """They are written again; a log that is shorter than the state says is kept as it is."""
    log = Log(tmp_path)
    log.step(1, {"ir": 1.0})
    position = log.settle()
    log.step(2, {"ir": 2.0})
    log.close()
    log = Log(tmp_path, position=position, step=1)
    log.step(2, {"ir": 3.0})
    log.close()
    assert [line["losses"] for line in lines(tmp_path)] == [{"ir": 1.0}, {"ir": 3.0}]
    Log(tmp_path, position=10_000).close()
    assert len(lines(tmp_path)) == 2


def test_tensorboard_is_asked_for_by_name_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setattr("harness_lamir.training.logs.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"harness-lamir\[tensorboard\]"):
        check_tensorboard()


def test_tensorboard_gets_the_same_numbers(tmp_path: Path) -> None:
    """Event files hold each loss and each score by its step."""
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = Log(tmp_path, tensorboard=True)
    log.step(3, {"ir": 2.5}, learning_rate=0.5, elapsed=1.0)
    log.evaluation(3, {"xquad/sw": 0.25}, 0.25, 1.0)
    log.settle()
    log.close()
    found = EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    scalars = {tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]}
    assert scalars == {
        "loss/ir": [(3, 2.5)],
        "training/learning_rate": [(3, 0.5)],
        "evaluation/xquad/sw": [(3, 0.25)],
        "evaluation/mean": [(3, 0.25)],
    }
