"""The one data format of the harness: a corpus, queries, judgements, and answers where a protocol wants them.

Two subsets that share a corpus share the object, and `fingerprint` says so across sources and runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from harness._util import fingerprint
from harness.sources.corpus import Corpus

#: Judgements: query id → passage id → integer grade; explicit zeros are kept.
Qrels = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Queries:
    """Queries: ids and texts in the order of their file."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def keep(self, ids: set[str]) -> Queries:
        """These queries without the ones not in `ids`."""
        pairs = [(i, text) for i, text in zip(self.ids, self.texts, strict=True) if i in ids]
        return Queries(tuple(i for i, _ in pairs), tuple(text for _, text in pairs))


@dataclass(frozen=True)
class Asked:
    """What is asked of a corpus: everything behind one subset on one split but the passages.

    `queries` are the ones to run: those that `qrels` judges or, for answer-based metrics, those with `answers`.
    """

    queries: Queries
    qrels: Qrels
    answers: Mapping[str, tuple[str, ...]] | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 over queries, judgements and answers, whatever their order in files."""
        return fingerprint.of_json(
            {
                "queries": dict(zip(self.queries.ids, self.queries.texts, strict=True)),
                "qrels": {query: dict(grades) for query, grades in self.qrels.items()},
                "answers": {q: list(a) for q, a in self.answers.items()} if self.answers is not None else None,
            }
        )


@dataclass(frozen=True)
class Collection:
    """Everything behind one subset on one split: a corpus, and what `Asked` holds.

    `repeats` counts queries that `without_repeats` has left out. `variant` sets the text apart from what the task
    declares (`sample-1000`, `unofficial`), and `notice` says in one sentence why. `origin` names the repositories and
    revisions it was fetched from, where it was.
    """

    corpus: Corpus
    queries: Queries
    qrels: Qrels
    answers: Mapping[str, tuple[str, ...]] | None = None
    repeats: int = 0
    variant: str = ""
    notice: str = ""
    origin: str = ""

    @property
    def asked(self) -> Asked:
        """Everything but the corpus."""
        return Asked(self.queries, self.qrels, self.answers)

    def without_repeats(self) -> Collection:
        """This collection with each query once: one that repeats the text *and* the judgements of another goes.

        Translated collections hold such pairs (two English questions that became one sentence); they are one query
        that would count twice, and published scores on such data count it once.
        """
        first: dict[tuple[str, frozenset[tuple[str, int]]], str] = {}
        for query, text in zip(self.queries.ids, self.queries.texts, strict=True):
            first.setdefault((text, frozenset(self.qrels[query].items())), query)
        kept = set(first.values())
        repeats = len(self.queries) - len(kept)
        return replace(self._only(kept), repeats=self.repeats + repeats) if repeats else self

    def limited(self, limit: int | None) -> Collection:
        """This collection with only its first `limit` queries; itself when `limit` is None."""
        if limit is None or limit >= len(self.queries):
            return self
        return replace(self._only(set(self.queries.ids[:limit])), repeats=0)

    def _only(self, kept: set[str]) -> Collection:
        """This collection with the queries in `kept` alone."""
        return replace(
            self,
            queries=self.queries.keep(kept),
            qrels={query: grades for query, grades in self.qrels.items() if query in kept},
            answers={q: a for q, a in self.answers.items() if q in kept} if self.answers is not None else None,
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over corpus, queries, judgements and answers: what a result names as the data it was measured on."""
        return fingerprint.of_json(
            {
                "corpus": self.corpus.fingerprint,
                "queries": fingerprint.of_strings(self.queries.ids, self.queries.texts),
                "qrels": {query: dict(grades) for query, grades in self.qrels.items()},
                "answers": {q: list(a) for q, a in self.answers.items()} if self.answers is not None else None,
            }
        )
