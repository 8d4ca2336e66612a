"""Where the real data is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def bm25_data() -> Path:
    """Return the folder of real data, or skip: it is never part of a checkout."""
    default = Path(__file__).parents[4] / "shared" / "data"
    folder = Path(os.environ.get("HARNESS_TEST_DATA", default))
    if not (folder / "retrieval" / "xquad").is_dir():
        pytest.skip("no real data: set HARNESS_TEST_DATA to the folder that holds retrieval/xquad")
    return folder
