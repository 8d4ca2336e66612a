"""The bench against bm25s with its own tokens runs, and its table is whole."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "bench" / "search_bm25.py"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="no bench beside the tests")


def test_every_language_has_a_row() -> None:
    """Two languages of the pocket collection and their sum, with the counts of texts and three ratios each."""
    command = [sys.executable, str(SCRIPT), "--source", "pocket", "--languages", "en", "th", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^\| (\w+) \| (\d+), (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", done.stdout, re.MULTILINE)
    assert [row[:3] for row in rows] == [("en", "120", "40"), ("th", "40", "40"), ("all", "160", "80")]
    assert all(float(ratio) > 0 for row in rows for ratio in row[3:])
    assert re.search(r"^pocket, .*: ours [\d.]+ s .* MiB; bm25s [\d.]+ s .* MiB$", done.stdout, re.MULTILINE)
