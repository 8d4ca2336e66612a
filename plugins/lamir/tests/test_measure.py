"""The figures of the README, measured again: skipped where the real data is absent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

SCRIPT = Path(__file__).parents[1] / "scripts" / "measure.py"


def test_the_checkpoint_retrieves_across_and_within_languages(real_data: Path) -> None:
    """MRR@100 on XQuAD: at least 0.36 on the English paragraphs and 0.62 within a language."""
    command = [sys.executable, str(SCRIPT), str(real_data / "retrieval")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    means = {
        line.split(":")[0]: float(line.split("mean ")[1].split()[0]) for line in printed.splitlines() if "mean" in line
    }
    assert means["XQuAD, questions on English paragraphs"] >= 0.36
    assert means["XQuAD, within a language"] >= 0.62
    assert np.isfinite(list(means.values())).all()
