"""Is one arm better than another? Means over seeds, paired tests over queries, correction for many comparisons.

**The difference.** The score of an arm is the unweighted mean over subsets (languages) of the means over their queries,
and then over seeds. The difference of two arms is therefore a weighted sum of differences of single queries, each the
mean over the seeds.

**The test.** Under the null hypothesis the two arms' scores of a query may be swapped: a sign-flip permutation test
(Fisher; Smucker et al., "A comparison of statistical significance tests for information retrieval evaluation", CIKM
2007), two-sided, p = (1 + number of flips at least as extreme) / (1 + number of flips). Where the queries of all
subsets are translations of one another, a query is flipped in all of them at once: they are no independent
observations. The confidence interval is the percentile bootstrap over the same units, resampled within each subset
where subsets have queries of their own.

**Seeds.** The test takes the seeds as they are, so that it does not tell whether further seeds would agree. Beside it
stand the number of seeds that do, and Wilcoxon's signed-rank test over all cells (seed × subset); cells that share
queries or seeds are not independent, so that this p is a rough guide.

**Many comparisons.** Holm (1979) over all comparisons of an experiment. A comparison is called significant if its
corrected p is below 0.05 *and* every seed has the sign of the mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ALPHA",
    "Arm",
    "Comparison",
    "Spread",
    "Verdict",
    "compare",
    "corrected_together",
    "holm",
    "sign_flip",
    "spread",
]

Floats = NDArray[np.float64]
Verdict = Literal["better", "worse", "open"]

ALPHA = 0.05
FLIPS = 10_000
_SEED = 20230711  # of flips and resamples: the same results give the same page
_BLOCK = 250  # flips or resamples at a time

#: Scores of one arm: seed to subset to (n,) values of its queries, NaN where a parallel subset lacks one.
Arm = Mapping[int, Mapping[str, Floats]]


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation (ddof 1; 0.0 for one seed) over seeds of the mean over subsets."""

    mean: float
    deviation: float
    seeds: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Arm A against arm B on one measurement.

    Attributes:
        difference: A − B; its sign is turned where lower is better, so that positive always means that A is better.
        low: lower end of the 95 % interval.
        high: upper end.
        p: of the sign-flip test.
        corrected: p after Holm; equals p until `corrected_together` was asked.
        agreeing: seeds whose difference has the sign of `difference`.
        seeds: how many there are.
        cells: p of Wilcoxon's test over seed × subset; 1.0 where there is no difference at all.
        units: observations that the test flips.
    """

    difference: float
    low: float
    high: float
    p: float
    corrected: float
    agreeing: int
    seeds: int
    cells: float
    units: int

    @property
    def verdict(self) -> Verdict:
        """Whether A is better, worse, or neither can be said."""
        if self.corrected >= ALPHA or self.agreeing < self.seeds:
            return "open"
        return "better" if self.difference > 0 else "worse"


def spread(arm: Arm) -> Spread:
    """Return mean and deviation over seeds. Raises ValueError for no seeds."""
    if not arm:
        raise ValueError("no seeds")
    means = np.array([np.mean([np.nanmean(values) for values in subsets.values()]) for subsets in arm.values()])
    return Spread(float(means.mean()), float(means.std(ddof=1)) if len(means) > 1 else 0.0, len(means))


def compare(better: Arm, worse: Arm, *, parallel: bool, higher_is_better: bool = True) -> Comparison:
    """Compare two arms on the seeds that both have.

    Args:
        better: the arm A.
        worse: the arm B, with the same subsets and queries.
        parallel: query i is the same in all subsets.
        higher_is_better: false turns the sign.

    Raises:
        ValueError: there is no common seed, or subsets or numbers of queries differ.
    """
    seeds = [seed for seed in better if seed in worse]
    if not seeds:
        raise ValueError("no common seed")
    sign = 1.0 if higher_is_better else -1.0
    by_seed = [_differences(better[seed], worse[seed], sign) for seed in seeds]
    names = list(by_seed[0])
    if any(list(one) != names for one in by_seed):
        raise ValueError("subsets differ between seeds")
    mean = {name: np.mean([one[name] for one in by_seed], axis=0) for name in names}
    units = _units(mean, parallel)
    flat = np.concatenate(units)
    difference = float(flat.sum())
    low, high = _interval(units)
    per_seed = [float(np.mean([np.nanmean(values) for values in one.values()])) for one in by_seed]
    p = sign_flip(flat)
    return Comparison(
        difference=difference,
        low=low,
        high=high,
        p=p,
        corrected=p,
        agreeing=sum(one * difference > 0 for one in per_seed),
        seeds=len(seeds),
        cells=_wilcoxon([float(np.nanmean(values)) for one in by_seed for values in one.values()]),
        units=len(flat),
    )


def corrected_together(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons with p corrected for their number."""
    return [replace(one, corrected=p) for one, p in zip(comparisons, holm([one.p for one in comparisons]), strict=True)]


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected after Holm, "A simple sequentially rejective multiple test procedure" (1979)."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    out = [0.0] * len(values)
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, values[i] * (len(values) - rank)))
        out[i] = highest
    return out


def sign_flip(values: Floats, flips: int = FLIPS) -> float:
    """Return the two-sided p of the sum of (n,) values under random signs.

    All signs are tried where there are no more than `flips` ways to set them; else that many are drawn.
    """
    moving = values[values != 0]  # a sign does nothing to a zero
    n = len(moving)
    observed = abs(float(moving.sum())) * (1 - 1e-9)  # sums in another order round differently
    if n < 60 and 2**n <= flips:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1  # (2**n, n)
        sums = (2.0 * bits - 1.0) @ moving
        return float((np.abs(sums) >= observed).mean())
    rng = np.random.default_rng(_SEED)
    extreme = 0
    for start in range(0, flips, _BLOCK):
        bits = rng.integers(0, 2, (min(_BLOCK, flips - start), n), dtype=np.int8)
        sums = 2.0 * (bits.astype(np.float64) @ moving) - moving.sum()
        extreme += int((np.abs(sums) >= observed).sum())
    return (1 + extreme) / (1 + flips)


def _differences(a: Mapping[str, Floats], b: Mapping[str, Floats], sign: float) -> dict[str, Floats]:
    if list(a) != list(b):
        raise ValueError(f"subsets differ: {', '.join(a)} and {', '.join(b)}")
    for name in a:
        if a[name].shape != b[name].shape:
            raise ValueError(f"subset {name}: {len(a[name])} and {len(b[name])} queries")
    return {name: sign * (a[name] - b[name]) for name in a}


def _units(differences: Mapping[str, Floats], parallel: bool) -> list[Floats]:
    """What is flipped and resampled, weighted so that all of it adds up to the mean over subsets, by stratum."""
    weighted = [
        np.nan_to_num(values / (np.isfinite(values).sum() * len(differences))) for values in differences.values()
    ]
    if not parallel:
        return weighted
    if len({len(values) for values in weighted}) > 1:
        raise ValueError("parallel subsets have different numbers of queries")
    return [np.sum(weighted, axis=0)]


def _interval(units: Sequence[Floats], resamples: int = 2_000) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the sum, resampled within each stratum."""
    rng = np.random.default_rng(_SEED)
    sums = np.zeros(resamples)
    for values in units:
        n = len(values)
        for start in range(0, resamples, _BLOCK):
            size = min(_BLOCK, resamples - start)
            sums[start : start + size] += values[rng.integers(0, n, (size, n))].sum(axis=1)
    low, high = np.percentile(sums, [2.5, 97.5])
    return float(low), float(high)


def _wilcoxon(cells: Sequence[float]) -> float:
    """Wilcoxon's signed-rank p, two-sided."""
    from scipy.stats import wilcoxon

    if not np.any(cells):
        return 1.0
    return float(wilcoxon(cells).pvalue)
