"""Choosing a fusion's weight on the dev split of the very subset that is scored, by the task's main metric."""

from __future__ import annotations

from collections.abc import Sequence

from harness import metrics
from harness.engine.compose import ALPHAS
from harness.engine.fuse import WeightedSum
from harness.engine.plan import Job
from harness.engine.scoring import ranking
from harness.errors import DataError


def best_alpha(dev: Job, sums: WeightedSum, alphas: Sequence[float] = ALPHAS) -> float:
    """The α of sparse + α · dense with the best mean of the main metric on `dev`; the smallest of those that tie.

    Raises DataError where the metric scores no query of `dev`.
    """
    main = dev.selected.task.main_metric
    best: tuple[float, float] | None = None
    for alpha in alphas:
        ranked = ranking(dev, sums.weighted([1.0, alpha]))
        found = metrics.score(
            (main,),
            qrels=dev.collection.qrels,
            run=ranked.run,
            answers=dev.collection.answers,
            contexts=ranked.contexts,
        ).metrics.get(main)
        if found is None:
            raise DataError(f"{dev.selected.label} ({dev.selected.split}): no query that {main} scores, to tune on")
        if best is None or found > best[0]:
            best = found, alpha
    assert best is not None
    return best[1]
