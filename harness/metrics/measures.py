"""The names of measures: `ndcg@10`, `mrr@100`, `recall@100`, `r@2kt`, `answer-recall@20`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from harness._util.names import did_you_mean
from harness.errors import UsageError

Kind = Literal["ndcg", "mrr", "recall", "answer-recall", "token-recall"]

#: Kinds that read judgements; the others read answers and the text that was retrieved.
BY_JUDGEMENT = ("ndcg", "mrr", "recall")

_RANKING = re.compile(r"(ndcg|mrr|recall|answer-recall)@([1-9]\d*)")
_TITLES = {"ndcg": "nDCG", "mrr": "MRR", "recall": "Recall", "answer-recall": "Answer recall"}
_TOKENS = re.compile(r"r@([1-9]\d*)kt")

#: Reported for every task that is judged by passages, beside the task's own measures.
COMMON = ("ndcg@10", "mrr@100", "recall@100")


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure and its cut: ranks for ranking measures, tokens for answer recall."""

    name: str
    kind: Kind
    cut: int

    @property
    def by_judgement(self) -> bool:
        """True for measures of judged passages, false for those that look for answers in text."""
        return self.kind in BY_JUDGEMENT

    @property
    def title(self) -> str:
        """The name as papers print it."""
        if self.kind == "token-recall":
            return f"R@{self.cut // 1000}kt"
        return _TITLES[self.kind] + f"@{self.cut}"

    @property
    def explanation(self) -> str:
        """One sentence for the legend of a board."""
        return {
            "ndcg": f"normalised discounted cumulative gain of the first {self.cut} passages",
            "mrr": f"mean of 1 / rank of the first relevant passage, 0 below rank {self.cut}",
            "recall": f"share of the relevant passages found in the first {self.cut}",
            "answer-recall": f"share of questions with an answer in the first {self.cut} passages, matched as DPR does",
            "token-recall": f"share of questions with an answer in the first {self.cut:,} tokens of ranked passages",
        }[self.kind]


def parse(name: str) -> Measure:
    """The measure called `name`. Raises UsageError with suggestions when there is none."""
    if match := _RANKING.fullmatch(name):
        return Measure(name, match.group(1), int(match.group(2)))  # type: ignore[arg-type]
    if match := _TOKENS.fullmatch(name):
        return Measure(name, "token-recall", 1000 * int(match.group(1)))
    raise UsageError(
        f"there is no measure {name!r}", did_you_mean(name, [*COMMON, "mrr@10", "r@2kt", "r@5kt", "answer-recall@20"])
    )
