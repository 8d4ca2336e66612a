"""The committed pages are what the committed results give: one that is edited by hand or out of date fails here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "command",
    [
        "harness leaderboard --results leaderboards/results --output leaderboards --check",
        "harness_lamir.experiments page --check",
    ],
    ids=["boards", "experiments"],
)
def test_pages_are_up_to_date(repository: Path, command: str) -> None:
    """Rendering the boards and the page of experiments once more changes nothing."""
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=repository, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
