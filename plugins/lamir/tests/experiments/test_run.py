"""A whole tiny experiment: trained, measured, resumed, made stale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from harness_lamir.experiments.evidence import gather
from harness_lamir.experiments.plan import load_experiment, runs
from harness_lamir.experiments.results import load_result, load_results, result_path, unpack
from harness_lamir.experiments.run import carry_out, waiting
from harness_lamir.locking import claimed

from harness.errors import UsageError


def _load(plans: Path, plan: dict[str, Any], **changes: Any) -> Any:
    (plans / "tiny.yaml").write_text(yaml.safe_dump(plan | changes, sort_keys=False), encoding="utf-8")
    return load_experiment(plans / "tiny.yaml")


def test_an_experiment_from_plan_to_comparison(plans: Path, plan: dict[str, Any], world: Path, tmp_path: Path) -> None:
    """All arms are trained from common weights and measured; a second call does nothing; a removed run is repeated."""
    experiment = _load(plans, plan, seeds=[1])
    results, said = tmp_path / "results", list[str]()
    assert carry_out(experiment, plans, world, results, say=said.append) == 3
    assert "3 runs, 0 of them done" in said[0] and len(said) == 4

    planned = {("tiny", run.arm, run.seed): run.fingerprint for run in runs(experiment, plans)}
    found, stale = load_results(results, planned)
    assert not stale
    by_arm = {result.arm: result for result in found}
    assert (by_arm["backbone"].steps, by_arm["ir"].steps) == (0, 4)
    assert set(by_arm["both"].losses) == {"ir", "semantic", "language"} and set(by_arm["ir"].losses) == {"ir"}
    assert set(by_arm["ir"].training_text) == {"english"}
    assert len({result.weights for result in found}) == 3
    for result in found:
        assert list(result.measured) == list(experiment.measures)
        for one in result.measured["made-up"].subsets.values():
            values = unpack(one.values)
            assert len(values) == 20 and np.nanmean(values) == pytest.approx(one.score, abs=1e-6)
        assert list(result.measured["gap"].subsets) == ["xa", "xb"]
    assert (0, "made-up") in gather(experiment, found).comparisons

    assert carry_out(experiment, plans, world, results, say=said.append) == 0
    before = load_result(result_path(results, "tiny", "ir", 1))
    result_path(results, "tiny", "ir", 1).unlink()
    assert carry_out(experiment, plans, world, results, say=said.append) == 1
    again = load_result(result_path(results, "tiny", "ir", 1))
    assert again.weights == before.weights and again.measured == before.measured

    plan["arms"]["ir"]["set"]["steps"] = 5
    assert [run.arm for run in waiting(runs(_load(plans, plan, seeds=[1]), plans), results)] == ["ir"]


def test_a_failed_arm_leaves_the_others(
    plans: Path, plan: dict[str, Any], world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that dies keeps what was finished before it, and leaves no half result."""
    import harness_lamir.training.trainer as trainer

    experiment = _load(plans, plan, seeds=[1])

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "train", killed)
    with pytest.raises(KeyboardInterrupt):
        carry_out(experiment, plans, world, tmp_path / "results", say=lambda line: None)
    assert [path.name for path in (tmp_path / "results" / "tiny").iterdir()] == ["backbone-1.json"]


def test_two_processes_share_an_experiment(plans: Path, plan: dict[str, Any], world: Path, tmp_path: Path) -> None:
    """A run that another process is at is left to it, and so is one that it has finished meanwhile."""
    experiment = _load(plans, plan, seeds=[1])
    results, said = tmp_path / "results", list[str]()
    folder = results / "tiny"
    folder.mkdir(parents=True)

    def say(line: str) -> None:
        said.append(line)
        if "backbone-1:" in line:  # the other process is through with a second run
            (folder / "ir-1.json").write_bytes(there)

    carry_out(experiment, plans, world, tmp_path / "elsewhere", say=lambda line: None)
    there = (tmp_path / "elsewhere" / "tiny" / "ir-1.json").read_bytes()
    with claimed(folder / ".both-1.lock"):
        assert carry_out(experiment, plans, world, results, say=say) == 1
    assert [line.endswith("left to another process") for line in said[1:]] == [False, True, True]
    assert sorted(path.name for path in folder.iterdir()) == [".both-1.lock", "backbone-1.json", "ir-1.json"]
    assert carry_out(experiment, plans, world, results, say=say) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["backbone-1.json", "both-1.json", "ir-1.json"]


def test_missing_data_is_found_before_training(plans: Path, plan: dict[str, Any], world: Path, tmp_path: Path) -> None:
    """A source that is not there stops the experiment at once."""
    plan["measured"][0]["source"] = "evaluation/nowhere"
    with pytest.raises(UsageError, match="nowhere"):
        carry_out(_load(plans, plan), plans, world, tmp_path / "results", say=lambda line: None)
    assert not (tmp_path / "results").exists()


def test_each_arm_may_start_as_its_recipe_says(plans: Path, plan: dict[str, Any], world: Path, tmp_path: Path) -> None:
    """Without a common start an untrained arm is the weights its recipe starts from."""
    plan["arms"] = {"backbone": plan["arms"]["backbone"]}
    experiment = _load(plans, {key: value for key, value in plan.items() if key not in ("start", "claims")}, seeds=[2])
    assert carry_out(experiment, plans, world, tmp_path / "results", say=lambda line: None) == 1
