"""Plans: what is refused, which runs they give, what changes a fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness_lamir.experiments.plan import chosen, load_experiment, load_experiments, runs

from harness.errors import UsageError

SHIPPED = Path(__file__).parents[2] / "experiments"


def _fingerprints(plans: Path, plan: dict[str, Any]) -> list[str]:
    (plans / "tiny.yaml").write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
    return [run.fingerprint for run in runs(load_experiment(plans / "tiny.yaml"), plans)]


@pytest.mark.skipif(not SHIPPED.is_dir(), reason="the experiments are not part of this copy")
def test_shipped_plans_fit_their_recipes() -> None:
    """Every shipped experiment loads, every arm's changes fit its recipe, and there are three seeds of each."""
    found = load_experiments(SHIPPED)
    assert [one.number for one in found] == [1, 2, 3, 4]
    for one in found:
        planned = runs(one, SHIPPED)
        assert len(planned) == len(one.arms) * len(one.seeds)
        assert len(one.seeds) >= 3
        assert len({run.label for run in planned}) == len(planned)


def test_runs_go_seed_by_seed_with_the_changes_of_their_arm(plans: Path) -> None:
    """Each arm's recipe has the seed and its changes; the start is the named arm's recipe with the same seed."""
    planned = runs(load_experiment(plans / "tiny.yaml"), plans)
    assert [run.label for run in planned][:4] == ["tiny/backbone-1", "tiny/ir-1", "tiny/both-1", "tiny/backbone-2"]
    ir, both = planned[1], planned[2]
    assert [entry.use for entry in ir.recipe.active] == ["ir"]
    assert [entry.use for entry in both.recipe.active] == ["ir", "semantic", "language"]
    assert ir.start == both.recipe
    assert planned[0].untrained and not ir.untrained


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.update(seed=3), "seed: Extra inputs"),
        (lambda p: p.update(start="bth"), "no arm is called 'bth'"),
        (lambda p: p["claims"][0].update(worse="nothing"), "no arm is called 'nothing'"),
        (lambda p: p["claims"][0].update(measures=["made-upp"]), "nothing measured is called 'made-upp'"),
        (lambda p: p["measured"].append(p["measured"][0]), "names of measurements must differ"),
        (lambda p: p["measured"][0].update(name="gap"), "names of measurements must differ"),
        (lambda p: p.update(seeds=[1, 1]), "a seed occurs twice"),
        (lambda p: p["probes"].update(files="parallel/xa.tsv"), "has no {language}"),
        (lambda p: p["probes"].update(groups={"new": {"title": "new", "languages": ["xc"]}}), "'xc' is none of"),
        (lambda p: p.update(curves={"axis": "n", "lines": {"a": {10: "boht"}}}), "no arm is called 'boht'"),
    ],
)
def test_mistakes_are_named(
    plans: Path, plan: dict[str, Any], change: Callable[[dict[str, Any]], None], message: str
) -> None:
    """A misspelt key, arm or measurement is refused with its name."""
    change(plan)
    with pytest.raises(UsageError) as caught:
        _fingerprints(plans, plan)
    assert message in str(caught.value)


def test_a_change_that_does_not_fit_the_recipe_names_its_arm(plans: Path, plan: dict[str, Any]) -> None:
    """An arm that changes a setting the recipe lacks is refused before anything runs."""
    plan["arms"]["ir"]["set"] = {"objectives.semantics.weight": 0}
    with pytest.raises(UsageError, match="nothing is called 'semantics'"):
        _fingerprints(plans, plan)


def test_titles_and_claims_change_no_fingerprint(plans: Path, plan: dict[str, Any]) -> None:
    """Results stay valid when only words change, and become stale when an arm, a measurement or a probe does."""
    before = _fingerprints(plans, plan)
    plan["title"], plan["claims"], plan["limits"] = "Other", [], ["none"]
    plan["arms"]["ir"]["title"] = plan["measured"][0]["title"] = "another"
    assert _fingerprints(plans, plan) == before
    plan["arms"]["ir"]["set"]["steps"] = 5
    after = _fingerprints(plans, plan)
    assert [a == b for a, b in zip(after, before, strict=True)] == [True, False, True] * 2
    plan["probes"]["texts"] = 7
    assert not set(_fingerprints(plans, plan)) & set(before)


def test_unknown_experiments_are_refused(plans: Path) -> None:
    """A name that is not there is refused with the nearest; no name means all."""
    found = load_experiments(plans)
    assert chosen(found, []) == found
    with pytest.raises(UsageError, match="no experiment is called 'tny'"):
        chosen(found, ["tny"])


def test_measures_have_one_name_for_each_group(plans: Path, plan: dict[str, Any]) -> None:
    """Probes of groups are named after them, and claims may name them."""
    plan["probes"]["groups"] = {"new": {"title": "new ones", "languages": ["xb"]}}
    plan["claims"][0]["measures"] = ["gap-new"]
    (plans / "tiny.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
    measures = load_experiment(plans / "tiny.yaml").measures
    assert list(measures) == [
        "made-up", "translation-new", "gap-new", "relative-gap-new", "language-loss-new", "language-id-new",
    ]  # fmt: skip
    assert measures["gap-new"].title == "Equidistance gap, new ones"
    assert not measures["gap-new"].higher_is_better and measures["made-up"].higher_is_better
