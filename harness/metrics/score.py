"""From a ranking to scores with counts: one call for both kinds of measure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import UsageError
from harness.metrics.answers import score_answer_matches
from harness.metrics.measures import parse
from harness.metrics.ranking import Run, score_ranking
from harness.metrics.xor import score_answers


@dataclass(frozen=True)
class Scores:
    """Means over the scored queries, as fractions, and the per-query values behind them."""

    metrics: dict[str, float]
    per_query: dict[str, dict[str, float]]


def score(
    measures: Sequence[str],
    *,
    qrels: Mapping[str, Mapping[str, int]],
    run: Run,
    answers: Mapping[str, Sequence[str]] | None = None,
    contexts: Mapping[str, Iterable[str]] | None = None,
) -> Scores:
    """Score a run by the named measures.

    Ranking measures average over all queries of `qrels`; answer recall over all questions of `answers` that have an
    answer other than yes and no, reading `contexts`, the retrieved passages in rank order. A measure over no queries
    has no mean.
    Raises UsageError when a measure lacks what it reads.
    """
    parsed = [parse(name) for name in measures]
    per_query = score_ranking(qrels, run, [m for m in parsed if m.by_judgement])
    by_answer = [m for m in parsed if not m.by_judgement]
    if by_answer:
        if answers is None or contexts is None:
            raise UsageError(f"{by_answer[0].name} needs answers and retrieved texts, and this data has none")
        per_query |= score_answers(answers, contexts, [m for m in by_answer if m.kind == "token-recall"])
        per_query |= score_answer_matches(answers, contexts, [m for m in by_answer if m.kind == "answer-recall"])
    ordered = {name: per_query[name] for name in measures}
    means = {name: sum(values.values()) / len(values) for name, values in ordered.items() if values}
    return Scores(means, ordered)
