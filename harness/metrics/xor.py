"""XOR-Retrieve's R@kt: does an answer occur in the first k thousand tokens of what was retrieved?

The rules are those of the benchmark's `evals/eval_xor_retrieve.py`, oddities included, because published numbers were
made with them: the passages are tokenized and joined with spaces while the answer stays raw, so "New York, NY" is
never found in "New York , NY", and the test is a case-sensitive substring test, so "10" is found inside "1910".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from harness.metrics.measures import Measure
from harness.metrics.words import word_tokenize

#: Answers that say nothing about a passage; the benchmark drops them.
_BINARY = ("yes", "no")


def scored_answers(answers: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Answers without `yes` and `no`; questions that have none left are not scored."""
    kept = {query: tuple(a for a in given if a not in _BINARY) for query, given in answers.items()}
    return {query: given for query, given in kept.items() if given}


def score_answers(
    answers: Mapping[str, Sequence[str]], contexts: Mapping[str, Iterable[str]], measures: Iterable[Measure]
) -> dict[str, dict[str, float]]:
    """Per-query scores, 0 or 1: measure name → query id → value, for every query that `scored_answers` keeps.

    `contexts` holds the retrieved passages in rank order; a query without any scores 0.
    """
    wanted = list(measures)
    scores: dict[str, dict[str, float]] = {measure.name: {} for measure in wanted}
    longest = max((measure.cut for measure in wanted), default=0)
    for query, given in scored_answers(answers).items():
        tokens = _first_tokens(contexts.get(query, ()), longest)
        for measure in wanted:
            text = " ".join(tokens[: measure.cut])
            scores[measure.name][query] = float(any(answer in text for answer in given))
    return scores


def _first_tokens(passages: Iterable[str], limit: int) -> list[str]:
    """At most `limit` tokens of the passages in order; those after the limit are not even tokenized."""
    tokens: list[str] = []
    for passage in passages:
        if len(tokens) >= limit:
            break
        tokens.extend(_tokens(passage).split())
    return tokens[:limit]


@lru_cache(maxsize=65_536)
def _tokens(passage: str) -> str:
    """Tokens of one passage, remembered: a popular passage is retrieved for many questions.

    White space is between them and never in them, and one string takes a tenth of a tuple's memory.
    """
    return " ".join(word_tokenize(passage))
