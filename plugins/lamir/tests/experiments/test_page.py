"""The page of results made by hand, in both directions, and its figures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from harness_lamir.experiments import plots
from harness_lamir.experiments.evidence import gather
from harness_lamir.experiments.page import outdated, render, write
from harness_lamir.experiments.plan import Curves, Experiment
from harness_lamir.experiments.results import store

from harness.errors import UsageError

Make = Callable[[Mapping[str, float]], list[Any]]


def _page(plans: Path, folder: Path, results: list[Any]) -> str:
    for result in results:
        store(result, folder)
    return render(plans, folder).files["README.md"].decode()


def test_a_claim_that_holds(plans: Path, tmp_path: Path, by_hand: Make) -> None:
    """Where both is better, the page says that the claim holds, with the scores."""
    page = _page(plans, tmp_path / "r", by_hand({"backbone": 0.2, "ir": 0.4, "both": 0.6}))
    assert "Both are better than IR: **holds** on Made up." in page
    assert "| IR + both | **60." in page
    assert "| IR + both − IR | ▲ +20." in page


def test_the_same_claim_the_other_way_round(plans: Path, tmp_path: Path, by_hand: Make) -> None:
    """Where it is worse, the page says so."""
    page = _page(plans, tmp_path / "r", by_hand({"ir": 0.6, "both": 0.4}))
    assert "Both are better than IR: **does not hold**: significantly worse on Made up." in page
    assert "| IR + both − IR | ▼ -20." in page
    assert "(4 of 6 runs are there: what follows is provisional)" in page


def test_no_difference_and_no_results(plans: Path, tmp_path: Path, by_hand: Make) -> None:
    """Equal arms show nothing; without results the page says that too."""
    assert "Both are better than IR: **not measured yet**." in _page(plans, tmp_path / "none", [])
    same = [result.model_copy(update={"arm": arm}) for arm in ("ir", "both") for result in by_hand({"ir": 0.5})]
    by_plan = {(result.arm, result.seed): result.plan for result in by_hand({"ir": 0.5, "both": 0.5})}
    same = [result.model_copy(update={"plan": by_plan[result.arm, result.seed]}) for result in same]
    assert "**not shown**: no significant difference on Made up." in _page(plans, tmp_path / "r", same)


def test_the_page_is_a_function_of_its_results(plans: Path, tmp_path: Path, by_hand: Make) -> None:
    """Rendering twice gives the same bytes, figures too; what is written is up to date, and a changed page is not."""
    for result in by_hand({"ir": 0.4, "both": 0.6}):
        store(result, tmp_path / "r")
    first, second = render(plans, tmp_path / "r"), render(plans, tmp_path / "r")
    assert first == second
    out = tmp_path / "out"
    assert len(write(first, out)) == len(first.files) == 3
    assert write(first, out) == [] == outdated(first, out)
    (out / "README.md").write_text("other", encoding="utf-8")
    figure = out / "figures" / "tiny.svg"
    figure.write_bytes(
        figure.read_bytes().replace(b"<svg", b"<svg ", 1)
    )  # drawn by another version: the data is the same
    assert outdated(first, out) == [out / "README.md"]
    store(by_hand({"both": 0.7})[0], tmp_path / "r")
    assert figure in outdated(render(plans, tmp_path / "r"), out)


def test_results_of_other_data_are_refused(experiment: Experiment, by_hand: Make) -> None:
    """Scores on different queries cannot be paired."""
    first, second = by_hand({"ir": 0.4})
    other = second.model_copy(deep=True)
    other.measured["made-up"].subsets["xa"] = other.measured["made-up"].subsets["xa"].model_copy(update={"ids": "j"})
    with pytest.raises(UsageError, match="made-up/xa were measured on different data"):
        gather(experiment, [first, other])


def test_curves_are_drawn() -> None:
    """A curve with a missing arm and a baseline is drawn, and carries the fingerprint of its data."""
    plan = Curves(axis="pairs", lines={"a": {100: "x", 1000: "y"}, "b": {100: "z"}}, baseline="o")
    points = {"x": [1.0, 2.0], "y": [3.0], "o": [0.5, 0.6]}
    panel = plots.Panel("title", "nDCG", points)
    drawn = plots.curves([panel, panel], plan, "none")
    assert drawn.startswith(b"<?xml") and plots.data_of(drawn) is not None
    other = plots.curves([panel, plots.Panel("title", "nDCG", points | {"y": [4.0]})], plan, "none")
    assert plots.data_of(other) != plots.data_of(drawn)


def test_check_exits_with_one_where_the_page_is_old(plans: Path, tmp_path: Path, by_hand: Make) -> None:
    """The command writes, then finds nothing to do, then finds a change."""
    store(by_hand({"ir": 0.4})[0], tmp_path / "r")
    places = {"--plans": plans, "--results": tmp_path / "r", "--output": tmp_path / "out"}
    words = [str(word) for pair in places.items() for word in pair]

    def page(*more: str) -> int:
        command = [sys.executable, "-m", "harness_lamir.experiments", "page", *words, *more]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert [page("--check"), page(), page("--check")] == [1, 0, 0]
