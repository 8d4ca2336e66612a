"""nDCG, MRR and recall as trec_eval computes them, through pytrec_eval.

trec_eval ignores the order it is given: it sorts by score descending and breaks ties by document id descending. The
search breaks ties the same way, so that what is scored is what was retrieved. As with `trec_eval -c`, every judged
query counts, and one that retrieved nothing scores 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ctypes import c_float

from harness.errors import DataError
from harness.metrics.measures import Measure

#: Retrieved passages: query id → passage id → score.
Run = Mapping[str, Mapping[str, float]]

_TREC_NAMES = {"ndcg": "ndcg_cut", "recall": "recall"}


def score_ranking(
    qrels: Mapping[str, Mapping[str, int]], run: Run, measures: Iterable[Measure]
) -> dict[str, dict[str, float]]:
    """Per-query scores: measure name → query id → value, for every query of `qrels`.

    Raises DataError for a score that is not a number, which trec_eval would sort arbitrarily, and for an id with a NUL
    character, where it ends for trec_eval.
    """
    for query, hits in run.items():
        if any(value != value for value in hits.values()):
            raise DataError(f"query {query!r} has a retrieved passage whose score is NaN")
    _refuse_nul(qrels, *qrels.values(), *run.values())
    scored = {query: run[query] for query in qrels if run.get(query)}
    return {measure.name: _one(qrels, scored, measure) for measure in measures}


def _one(qrels: Mapping[str, Mapping[str, int]], run: Run, measure: Measure) -> dict[str, float]:
    import pytrec_eval

    if measure.kind == "mrr":  # trec_eval has no cut for it: its -M cuts the ranking instead
        run = {query: first(hits, measure.cut) for query, hits in run.items()}
        key, request = "recip_rank", "recip_rank"
    else:
        name = _TREC_NAMES[measure.kind]
        key, request = f"{name}_{measure.cut}", f"{name}.{measure.cut}"
    # Without a relevant passage a query scores 0; where all its grades are below -1, trec_eval would end the process.
    judged = {query: dict(grades) for query, grades in qrels.items() if max(grades.values(), default=0) > 0}
    retrieved = {query: dict(hits) for query, hits in run.items() if query in judged}
    found = pytrec_eval.RelevanceEvaluator(judged, {request}).evaluate(retrieved)
    return {query: float(found[query][key]) if query in found else 0.0 for query in qrels}


def _refuse_nul(*names: Iterable[str]) -> None:
    if found := next((name for group in names for name in group if "\0" in name), None):
        raise DataError(f"the id {found!r:.80} holds a NUL character, and trec_eval reads it only up to there")


def ranked(hits: Mapping[str, float]) -> list[str]:
    """Passage ids as trec_eval orders them: by score, which it keeps in single precision, then by id, descending."""
    return sorted(hits, key=lambda passage: (c_float(hits[passage]).value, passage), reverse=True)


def first(hits: Mapping[str, float], cut: int) -> Mapping[str, float]:
    """The first `cut` hits in that order."""
    if len(hits) <= cut:
        return hits
    return {passage: hits[passage] for passage in ranked(hits)[:cut]}
