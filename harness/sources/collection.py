"""The one data format of the harness: a corpus, queries, judgements, and answers where a protocol wants them.

Texts live in Arrow columns, so that a corpus can be memory-mapped and is never a dictionary of documents. Two subsets
that share a corpus share the object, and `fingerprint` says so across sources and runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from harness._util import fingerprint

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

#: Judgements: query id → passage id → integer grade; explicit zeros are kept.
Qrels = Mapping[str, Mapping[str, int]]


class Corpus:
    """Passages: ids, titles and texts as Arrow columns of equal length.

    Ids are distinct and texts are not empty; whoever builds a corpus has checked that.
    """

    def __init__(self, ids: Sequence[str], titles: Sequence[str], texts: Sequence[str]) -> None:
        import pyarrow as pa

        columns = [pa.array(column, type=pa.large_string()) for column in (ids, titles, texts)]
        self.table: pa.Table = pa.table(columns, names=["id", "title", "text"])

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def ids(self) -> list[str]:
        """All passage ids, in corpus order."""
        return list(self.table["id"].to_pylist())

    def ids_at(self, positions: NDArray[np.int64]) -> list[str]:
        """The ids at `positions` (n,)."""
        return list(self.table["id"].take(positions).to_pylist())

    def texts_at(self, positions: NDArray[np.int64]) -> list[str]:
        """The texts, without titles, at `positions` (n,)."""
        return list(self.table["text"].take(positions).to_pylist())

    def render(self, template: str, start: int, stop: int) -> list[str]:
        """The strings an encoder reads for passages start…stop: `template` with {title} and {text} filled in.

        White space that an absent title leaves at the ends is stripped; the text itself is never changed.
        """
        rows = self.table.slice(start, stop - start)
        titles, texts = rows["title"].to_pylist(), rows["text"].to_pylist()
        if template == "{text}":
            return list(texts)
        untitled = template.format(title="", text="\0").strip()
        return [
            template.format(title=title, text=text) if title else untitled.replace("\0", text)
            for title, text in zip(titles, texts, strict=True)
        ]

    @cached_property
    def tie_order(self) -> NDArray[np.int64]:
        """Rank (n,) of each passage by the UTF-8 bytes of its id: trec_eval breaks ties by id, descending."""
        import numpy as np
        import pyarrow.compute as pc

        order = pc.sort_indices(self.table["id"]).to_numpy()
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        return rank

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of ids, titles and texts in order."""
        return fingerprint.of_strings(*(self.table[name].to_pylist() for name in ("id", "title", "text")))


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
class Collection:
    """Everything behind one subset on one split.

    `queries` are the ones to run: those that `qrels` judges or, for answer-based metrics, those with `answers`.
    `repeats` counts queries that `without_repeats` has left out.
    """

    corpus: Corpus
    queries: Queries
    qrels: Qrels
    answers: Mapping[str, tuple[str, ...]] | None = None
    repeats: int = 0

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
        return self._only(set(self.queries.ids[:limit]))

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
