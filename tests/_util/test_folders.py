"""The cache folder: who decides where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness._util.folders import cache_at, cache_root


def test_the_nearest_decision_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is named, that of the run under way, the variable, the user's: in this order."""
    monkeypatch.delenv("HARNESS_CACHE")
    assert cache_root().name == "lamir-harness"
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "variable"))
    assert cache_root() == tmp_path / "variable"
    with cache_at(tmp_path / "run"):
        assert cache_root() == tmp_path / "run"
        assert cache_root(tmp_path / "named") == tmp_path / "named"
        with cache_at(None):
            assert cache_root() == tmp_path / "run"
    assert cache_root() == tmp_path / "variable"


def test_an_error_ends_the_run(tmp_path: Path) -> None:
    """The folder of a run that fails is not that of the next."""
    before = cache_root()
    with pytest.raises(RuntimeError), cache_at(tmp_path / "run"):
        raise RuntimeError
    assert cache_root() == before
