"""Every benchmark below one folder: each is found, run and kept apart, and none is taken for another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DataError
from harness.results.store import load
from harness.sources import open_source
from harness.sources.official.layouts import LAYOUTS
from harness.sources.official.source import UNOFFICIAL, OfficialSource
from harness.tasks.selection import Selection, select

from .mini_africlirmatrix import write_africlirmatrix
from .mini_afriqa import write_afriqa, write_afriqa_passages
from .mini_belebele import write_belebele
from .mini_ciral import write_ciral
from .mini_miracl import write_miracl
from .mini_mkqa import write_mkqa
from .mini_mr_tydi import write_mr_tydi
from .mini_neuclir import write_neuclir
from .mini_xor_tydi import ROWS as XOR_ROWS
from .mini_xor_tydi import write_xor_tydi
from .mini_xtreme_up import write_xtreme_up

WRITERS: dict[str, Callable[..., Any]] = {
    "africlirmatrix": write_africlirmatrix,
    "afriqa": write_afriqa,
    "afriqa-passages": write_afriqa_passages,
    "belebele": lambda folder: write_belebele(folder, packed=True),
    "ciral": write_ciral,
    "miracl": write_miracl,
    "mkqa": write_mkqa,
    "mr-tydi": lambda folder: write_mr_tydi(folder, packed=True),
    "neuclir": lambda folder: write_neuclir(folder, packed=True),
    "xor-tydi": write_xor_tydi,
    "xtreme-up": lambda folder: write_xtreme_up(folder, packed=True),
}


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    """A folder with a folder for each benchmark, some of them packed."""
    for name, write in WRITERS.items():
        (tmp_path / "data" / name).mkdir(parents=True)
        write(tmp_path / "data" / name)
    return tmp_path / "data"


def test_every_layout_is_found(everything: Path, tmp_path: Path) -> None:
    """Each task has the subsets that its own folder alone has."""
    together = {task.name: task.subset_splits for task in OfficialSource(everything, tmp_path / "cache").tasks()}
    assert set(together) == {layout.task.name for layout in LAYOUTS}
    for name in WRITERS:
        alone = OfficialSource(everything / name, tmp_path / "cache")
        for task in alone.tasks():
            assert together[task.name] == task.subset_splits, name


def test_everything_runs(everything: Path, cli: Callable[..., Any]) -> None:
    """One command runs all of it; every result has scores, and says that these are not the official data."""
    languages = sorted({f"xor-tydi/{row['lang']}" for row in XOR_ROWS})  # their one file has questions in these alone
    names = [layout.task.name for layout in LAYOUTS if layout.task.name != "xor-tydi"]
    command = ("run", "-e", "hashing", "--source", everything, "--output", "out", "-t", ",".join([*languages, *names]))
    done = cli(*command)
    assert done.code == 0, done.err
    results = [load(path) for path in Path("out").rglob("*.json")]
    assert {result.task.name for result in results} == {layout.task.name for layout in LAYOUTS}
    for result in results:
        assert result.task.source == "official"
        for name, subset in result.subsets.items():
            assert subset.status == "ok" and subset.metrics[result.task.main_metric] >= 0, name
    counted = {layout.task.name for layout in LAYOUTS if layout.task.queries}
    assert {result.task.name for result in results if result.task.variant == UNOFFICIAL} >= counted
    assert "nothing to compute" in cli(*command).out


def test_a_broken_benchmark_does_not_hide_the_others(everything: Path, tmp_path: Path) -> None:
    """A missing shard is told when MIRACL is run, and Mr.TyDi beside it is run as ever."""
    shard = next(everything.glob("miracl/*/miracl-corpus-v1.0-yo/docs-5.jsonl.gz"))
    shard.unlink()
    source = open_source(str(everything), cache=tmp_path / "cache")
    assert {"miracl", "mr-tydi"} <= {task.name for task in source.tasks()}
    yoruba, telugu = (select(source.tasks(), Selection((label,)))[0] for label in ("miracl/yo", "mr-tydi/te"))
    with pytest.raises(DataError, match="shard 5 is missing"):
        source.load(yoruba)
    assert len(source.load(telugu).queries) > 0
