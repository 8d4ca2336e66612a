"""Statistics against scipy, closed forms, and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from harness_lamir.experiments.statistics import (
    Comparison,
    compare,
    corrected_together,
    holm,
    sign_flip,
    spread,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats


def _arm(mean: float, *, seeds: int = 3, noise: float = 0.05, salt: int = 0) -> dict[int, dict[str, np.ndarray]]:
    rng = np.random.default_rng(salt)
    common = np.random.default_rng(99).normal(0, 0.3, 60)
    return {
        seed: {name: mean + common + rng.normal(0, noise, 60) for name in ("xa", "xb")} for seed in range(1, seeds + 1)
    }


@pytest.mark.parametrize("values", [[1.0, 2, 3, 4, 5], [0.3, -0.1, 0.2, 0.2, 0.2, 0, 0], [-1.0, -1, -1, 2]])
def test_few_values_are_flipped_in_all_ways(values: list[float]) -> None:
    """With few values the p is the exact one, as scipy counts it; zeros change nothing."""
    moving = np.array([value for value in values if value])
    exact = stats.permutation_test(
        (moving, np.zeros_like(moving)),
        lambda a, b: (a - b).sum(),
        permutation_type="samples",
        n_resamples=np.inf,
    )
    assert sign_flip(np.array(values)) == pytest.approx(exact.pvalue)


def test_many_values_agree_with_scipy() -> None:
    """With many values the drawn p agrees with scipy's, within what drawing leaves open."""
    values = np.random.default_rng(4).normal(0.02, 0.2, 400)
    theirs = stats.permutation_test(
        (values, np.zeros_like(values)),
        lambda a, b, axis: (a - b).sum(axis=axis),
        permutation_type="samples",
        n_resamples=9_999,
        vectorized=True,
        batch=500,
        rng=np.random.default_rng(1),
    ).pvalue
    assert sign_flip(values) == pytest.approx(theirs, abs=0.015)


def test_no_difference_is_no_evidence() -> None:
    """Equal arms have p = 1 in every test, and no verdict."""
    one = compare(_arm(0.5), _arm(0.5), parallel=False)
    assert (one.p, one.cells, one.difference, one.verdict) == (1.0, 1.0, 0.0, "open")


def test_false_alarms_are_as_rare_as_they_should_be() -> None:
    """Where nothing differs, p < 0.05 comes up in about five of a hundred."""
    rng = np.random.default_rng(0)
    alarms = np.mean([sign_flip(rng.normal(0, 1, 30), flips=999) < 0.05 for _ in range(400)])
    assert 0.02 < alarms < 0.085


def test_holm_by_hand() -> None:
    """The example of Holm's procedure: each p times the number not yet rejected, never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order(values: list[float]) -> None:
    """Corrected values are at least the raw ones, at most 1, at most Bonferroni's, and in the same order."""
    corrected = holm(values)
    for p, q in zip(values, corrected, strict=True):
        assert p <= q <= min(1.0, p * len(values)) + 1e-12
    assert [corrected[i] for i in np.argsort(values, kind="stable")] == sorted(corrected)


def test_the_spread_is_over_seeds() -> None:
    """Mean over subsets first, then mean and sample deviation over seeds, whatever the subsets' sizes."""
    arm = {1: {"xa": np.full(10, 0.2), "xb": np.full(90, 0.4)}, 2: {"xa": np.full(10, 0.4), "xb": np.full(90, 0.6)}}
    found = spread(arm)
    assert found.mean == pytest.approx(0.4)
    assert found.deviation == pytest.approx(np.std([0.3, 0.5], ddof=1))
    assert spread({1: arm[1]}).deviation == 0.0


@pytest.mark.parametrize("parallel", [True, False])
def test_the_difference_is_that_of_the_means(parallel: bool) -> None:
    """The tested sum is the difference of the reported means; the interval holds it; the seeds agree."""
    a, b = _arm(0.6, salt=1), _arm(0.5, salt=2)
    one = compare(a, b, parallel=parallel)
    assert one.difference == pytest.approx(spread(a).mean - spread(b).mean)
    assert one.low < one.difference < one.high
    assert (one.agreeing, one.seeds, one.verdict) == (3, 3, "better")
    assert one.units == (60 if parallel else 120)
    back = compare(b, a, parallel=parallel)
    assert back.difference == pytest.approx(-one.difference) and back.verdict == "worse"


def test_the_interval_is_the_bootstrap_of_scipy() -> None:
    """For one subset the interval agrees with scipy's percentile bootstrap of the mean."""
    values = np.random.default_rng(2).normal(0.1, 0.4, 300)
    one = compare({1: {"xa": values}}, {1: {"xa": np.zeros(300)}}, parallel=False)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=5_000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert (one.low, one.high) == pytest.approx(tuple(theirs), abs=0.006)


def test_translations_of_a_question_are_no_further_evidence() -> None:
    """Ten copies of a language as parallel subsets give the p of one; as unrelated subsets they would not."""
    values = np.random.default_rng(7).normal(0.05, 0.2, 100)
    one = compare({1: {"xa": values}}, {1: {"xa": np.zeros(100)}}, parallel=True)
    copies = {1: {f"x{i}": values for i in range(10)}}, {1: {f"x{i}": np.zeros(100) for i in range(10)}}
    assert compare(*copies, parallel=True).p == pytest.approx(one.p)
    assert compare(*copies, parallel=False).p < one.p / 2


def test_a_question_may_lack_in_a_parallel_subset() -> None:
    """NaN marks a question that one language lacks: means are over what there is, and nothing becomes NaN."""
    a = {1: {"xa": np.array([1.0, 0.5, np.nan]), "xb": np.array([0.2, 0.4, 0.6])}}
    b = {1: {"xa": np.array([0.5, 0.0, np.nan]), "xb": np.array([0.2, 0.4, 0.0])}}
    one = compare(a, b, parallel=True)
    assert one.difference == pytest.approx((0.5 + 0.2) / 2)
    assert spread(a).mean == pytest.approx((0.75 + 0.4) / 2)
    assert one.units == 3 and np.isfinite([one.low, one.high, one.p]).all()


def test_less_can_be_better() -> None:
    """The sign is turned where lower is better."""
    one = compare(_arm(0.3, salt=1), _arm(0.5, salt=2), parallel=True, higher_is_better=False)
    assert one.difference > 0 and one.verdict == "better"


def test_a_seed_that_disagrees_leaves_the_question_open() -> None:
    """However small p is, one seed of the other sign forbids a verdict."""
    a, b = _arm(0.6, salt=1), _arm(0.5, salt=2)
    a[2] = {name: values - 0.15 for name, values in a[2].items()}
    one = compare(a, b, parallel=True)
    assert one.p < 0.05 and one.agreeing == 2 and one.verdict == "open"


def test_correction_can_take_a_verdict_back() -> None:
    """Among many comparisons a p of 0.02 is none."""
    one = Comparison(0.1, 0.0, 0.2, p=0.02, corrected=0.02, agreeing=3, seeds=3, cells=0.1, units=50)
    assert one.verdict == "better"
    assert [found.verdict for found in corrected_together([one] * 3)] == ["open"] * 3


def test_what_cannot_be_compared_is_refused() -> None:
    """No common seed, other subsets, other numbers of queries."""
    with pytest.raises(ValueError, match="no common seed"):
        compare({1: {"xa": np.zeros(3)}}, {2: {"xa": np.zeros(3)}}, parallel=False)
    with pytest.raises(ValueError, match="subsets differ"):
        compare({1: {"xa": np.zeros(3)}}, {1: {"xb": np.zeros(3)}}, parallel=False)
    with pytest.raises(ValueError, match="3 and 4 queries"):
        compare({1: {"xa": np.zeros(3)}}, {1: {"xa": np.zeros(4)}}, parallel=False)
