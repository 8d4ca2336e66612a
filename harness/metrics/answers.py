"""Answer recall in the first k passages, as DPR measures it: does an answer occur as a run of tokens?

Text and answers are put in NFD, cut by DPR's `SimpleTokenizer` (runs of letters, digits and marks, or single other
visible characters) and lower-cased (Karpukhin et al., EMNLP 2020, `dpr/data/qa_validation.py`). MKQA in Contriever's
protocol and AfriQA's answer accuracy are both this measure.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import regex

from harness.metrics.measures import Measure

_TOKEN = regex.compile(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]")


def score_answer_matches(
    answers: Mapping[str, Sequence[str]], contexts: Mapping[str, Iterable[str]], measures: Iterable[Measure]
) -> dict[str, dict[str, float]]:
    """Per-query scores, 0 or 1: measure name → query id → value, for every question that has an answer.

    `contexts` holds the retrieved passages in rank order; a query without any scores 0.
    """
    wanted = list(measures)
    depth = max((measure.cut for measure in wanted), default=0)
    scores: dict[str, dict[str, float]] = {measure.name: {} for measure in wanted}
    for query, given in answers.items():
        if not given:
            continue
        rank = first_match(given, list(contexts.get(query, ()))[:depth])
        for measure in wanted:
            scores[measure.name][query] = float(rank is not None and rank < measure.cut)
    return scores


def first_match(answers: Sequence[str], passages: Sequence[str]) -> int | None:
    """The 0-based rank of the first passage that holds an answer; None when none does."""
    wanted = [tokens for tokens in map(_tokens, answers) if tokens]
    for rank, passage in enumerate(passages):
        tokens = _tokens(passage)
        if any(answer in tokens for answer in wanted):
            return rank
    return None


@lru_cache(maxsize=65_536)
def _tokens(text: str) -> str:
    """The tokens, each between two spaces, which no token holds: one string takes a tenth of a tuple's memory."""
    tokens = " ".join(token.lower() for token in _TOKEN.findall(unicodedata.normalize("NFD", text)))
    return f" {tokens} " if tokens else ""
