"""What result files say about an experiment: scores by arm, and each claim's comparisons, corrected together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness_lamir.experiments.plan import Claim, Experiment
from harness_lamir.experiments.results import Measurement, RunResult, unpack
from harness_lamir.experiments.statistics import Arm, Comparison, Spread, compare, corrected_together, spread

__all__ = ["Evidence", "gather"]


@dataclass(frozen=True)
class Evidence:
    """An experiment and what was measured.

    Attributes:
        experiment: the plan.
        results: what there is, in the plan's order.
        scores: measure to arm to seeds to subsets to values.
        comparisons: position of a claim and measure to comparison; nothing where an arm has no result.
    """

    experiment: Experiment
    results: Sequence[RunResult]
    scores: dict[str, dict[str, Arm]]
    comparisons: dict[tuple[int, str], Comparison]

    @property
    def complete(self) -> bool:
        """Whether every arm has every seed."""
        return len(self.results) == len(self.experiment.arms) * len(self.experiment.seeds)

    def spread(self, measure: str, arm: str) -> Spread | None:
        """Mean and deviation of an arm over its seeds; none without results."""
        found = self.scores[measure].get(arm)
        return spread(found) if found else None

    def subsets(self, measure: str) -> list[str]:
        """The subsets of a measure; none without results."""
        for arm in self.scores[measure].values():
            for by_subset in arm.values():
                return list(by_subset)
        return []

    def queries(self, measure: str) -> int:
        """Queries (or sentences) of a measure, all subsets together; 0 without results."""
        for arm in self.scores[measure].values():
            for by_subset in arm.values():
                return sum(int(np.isfinite(values).sum()) for values in by_subset.values())
        return 0

    def measures_of(self, claim: Claim) -> list[str]:
        """What a claim is tested on."""
        return claim.measures or [one.name for one in self.experiment.measured]


def gather(experiment: Experiment, results: Sequence[RunResult]) -> Evidence:
    """Sort results, and compare arms as the claims ask.

    Raises:
        UsageError: results do not belong together: other queries, or other data.
    """
    scores: dict[str, dict[str, Arm]] = {name: {} for name in experiment.measures}
    for name in experiment.measures:
        known: dict[str, tuple[str, str | None]] = {}
        for arm in experiment.arms:
            own = {result.seed: result.measured[name] for result in results if result.arm == arm}
            for measurement in own.values():
                _check_same(experiment, name, measurement, known)
            if own:
                scores[name][arm] = {seed: _values(one) for seed, one in own.items()}
    evidence = Evidence(experiment, results, scores, {})
    measures = experiment.measures
    for position, claim in enumerate(experiment.claims):
        for name in evidence.measures_of(claim):
            better, worse = scores[name].get(claim.better), scores[name].get(claim.worse)
            if better and worse and set(better) & set(worse):
                evidence.comparisons[position, name] = compare(
                    better,
                    worse,
                    parallel=measures[name].parallel,
                    higher_is_better=measures[name].higher_is_better,
                )
    corrected = corrected_together(list(evidence.comparisons.values()))
    evidence.comparisons.update(zip(list(evidence.comparisons), corrected, strict=True))
    return evidence


def _values(measurement: Measurement) -> dict[str, NDArray[np.float64]]:
    return {name: unpack(one.values) for name, one in measurement.subsets.items()}


def _check_same(
    experiment: Experiment, name: str, measurement: Measurement, known: dict[str, tuple[str, str | None]]
) -> None:
    """Refuse a subset whose queries or data differ from an earlier result's."""
    for subset, one in measurement.subsets.items():
        if known.setdefault(subset, (one.ids, one.data)) != (one.ids, one.data):
            raise UsageError(
                f"experiment {experiment.name}: results of {name}/{subset} were measured on different data",
                hint="Remove the result files of one of them, and run the experiment again.",
            )
