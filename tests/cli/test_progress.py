"""Progress on stderr: bars on a terminal, a line now and then elsewhere, silence for what is quick."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.cli import progress
from harness.cli.progress import ReadingProgress, TerminalReporter


def _console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, force_terminal=terminal, width=120, color_system=None), stream


def test_quick_reading_says_nothing() -> None:
    """Elsewhere than on a terminal, a corpus that is read at once leaves no line."""
    console, stream = _console(terminal=False)
    with ReadingProgress(console).task("reading mr-tydi/sw", 10) as advance:
        advance(4)
        advance(6)
    assert stream.getvalue() == ""


def test_long_reading_shows_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Now and then a line: how much of how much, how fast, and how long it will take yet."""
    clock = iter([100.0, 105.0, 125.0, 126.0, 150.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    console, stream = _console(terminal=False)
    with ReadingProgress(console).task("reading [bold]x", 200_000_000) as advance:
        for _ in range(4):
            advance(25_000_000)
    lines = [line.strip() for line in stream.getvalue().splitlines()]
    assert lines == [
        "reading [bold]x: 50 of 200 MB, 2.0 MB/s, about 75 s left",
        "reading [bold]x: 100 of 200 MB, 2.0 MB/s, about 50 s left",
    ]


def test_more_than_was_announced_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A total that was wrong gives no negative time."""
    clock = iter([0.0, 30.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    console, stream = _console(terminal=False)
    with ReadingProgress(console).task("reading", 1) as advance:
        advance(5_000_000)
    assert "about 0 s left" in stream.getvalue()


def test_a_terminal_sees_a_bar() -> None:
    """With its label, and gone when it is done."""
    console, stream = _console(terminal=True)
    with ReadingProgress(console).task("reading mr-tydi/sw", 10) as advance:
        advance(10)
    assert "reading mr-tydi/sw" in stream.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_long_reranking_says_how_far_it_is(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line now and then for the subset at work, none for one that is quick, and none at its end."""
    clock = iter([0.0, 5.0, 25.0, 30.0, 31.0, 50.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    console, stream = _console(terminal=terminal)
    reporter = TerminalReporter(console, "hashing > length")
    reporter.begin(0, 2)
    for label in ("folder/[bold]x", "folder/y"):
        reporter.start(label)
        for _ in range(3 if label.endswith("x") else 2):
            reporter.rescored(1024, 3000)
    assert [line.strip() for line in stream.getvalue().splitlines()[1:]] == [
        "folder/[bold]x: 2,048 of 3,000 pairs rescored",
        "folder/y: 2,048 of 3,000 pairs rescored",
    ]
