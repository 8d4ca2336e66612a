"""Result files: what is written is read again, damage is refused, old plans are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_lamir.experiments.results import load_result, load_results, pack, result_path, store, unpack
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError


@given(st.lists(st.floats(width=32)))
def test_values_survive_packing(values: list[float]) -> None:
    """Every float32 comes back, NaN too."""
    assert np.array_equal(unpack(pack(np.array(values))), np.array(values), equal_nan=True)


@pytest.mark.parametrize("text", ["?", "AAAA", "eJw="])
def test_damaged_values_are_refused(text: str) -> None:
    """What is no base64 or no zlib raises ValueError."""
    with pytest.raises(ValueError):
        unpack(text)


def test_results_come_back_and_old_plans_are_told(tmp_path: Path, by_hand: Callable[..., list[Any]]) -> None:
    """A stored result is read as it was; one of another plan is named and left out; a missing one is no error."""
    first, second = by_hand({"ir": 0.5})
    path = store(first, tmp_path)
    assert path == result_path(tmp_path, "tiny", "ir", 1) and load_result(path) == first
    store(second, tmp_path)
    plans = {("tiny", "ir", 1): first.plan, ("tiny", "ir", 2): "another", ("tiny", "both", 1): "x"}
    found, stale = load_results(tmp_path, plans)
    assert found == [first] and stale == [str(result_path(tmp_path, "tiny", "ir", 2))]


def test_a_damaged_file_is_named(tmp_path: Path, by_hand: Callable[..., list[Any]]) -> None:
    """Half a file is refused with its path."""
    path = store(by_hand({"ir": 0.5})[0], tmp_path)
    path.write_text(path.read_text(encoding="utf-8")[:500], encoding="utf-8")
    with pytest.raises(UsageError, match=r"ir-1\.json: is no result"):
        load_result(path)
