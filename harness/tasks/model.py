"""The vocabulary of declarations: a task, its subsets, and the frozen sets its averages are taken over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase
from typing import Literal

#: Which capitals become small letters before encoding: none, A to Z (as `tf.strings.lower` does), or all of Unicode's.
Lowercase = Literal["", "ascii", "unicode"]

_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)


@dataclass(frozen=True, slots=True)
class Subset:
    """The unit that is scored: queries in one language against passages in one language.

    `name` is the query language for monolingual subsets and for tasks with one fixed corpus (`miracl/sw`,
    `xor-tydi/te`), else `query-passage` (`afriqa/bem-en`). Passages of several languages in one pool are in `mul`.
    """

    name: str
    query_language: str
    passage_language: str


@dataclass(frozen=True, slots=True)
class Average:
    """A macro average: the unweighted mean over a frozen set of subsets, never over those that happened to finish."""

    title: str
    subsets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One benchmark, declared.

    `metrics` are the benchmark's own, the first one being the one it is ranked by. `passage_template` says how title
    and text become the string an encoder reads, and `lowercase` which capitals of it, and of queries, become small
    first, for benchmarks whose own baselines lower-case. `queries` and `passages` hold the official counts by
    (subset, split) and by subset, where they are known. `subset_splits` holds the splits of subsets that have not all
    of them. `absent` names subsets that a source has no text for: they are part of the task and of its averages, and
    cannot be run. `version` changes when the definition does.
    """

    name: str
    title: str
    family: str
    subsets: tuple[Subset, ...]
    splits: tuple[str, ...]
    split: str
    metrics: tuple[str, ...]
    averages: tuple[Average, ...]
    passage_template: str
    licence: str
    url: str
    citation: str
    summary: str
    queries: Mapping[tuple[str, str], int] = field(default_factory=dict)
    passages: Mapping[str, int] = field(default_factory=dict)
    subset_splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    lowercase: Lowercase = ""
    version: str = "1"

    @property
    def main_metric(self) -> str:
        """The metric that rows are ranked by."""
        return self.metrics[0]

    def subset(self, name: str) -> Subset:
        """The subset called `name`; KeyError when there is none."""
        for subset in self.subsets:
            if subset.name == name:
                return subset
        raise KeyError(name)

    def splits_of(self, subset: str) -> tuple[str, ...]:
        """The splits that `subset` has."""
        return self.subset_splits.get(subset, self.splits)

    def default_split(self, subset: str) -> str:
        """The split `subset` is reported on: the task's own where it has that, else dev, else its first."""
        available = self.splits_of(subset)
        return next((split for split in (self.split, "dev") if split in available), available[0])


def lowered(text: str, lowercase: Lowercase) -> str:
    """`text` with the capitals made small that `lowercase` names."""
    if lowercase == "ascii":
        return text.translate(_SMALL)
    return text.lower() if lowercase == "unicode" else text


def monolingual(languages: Iterable[str]) -> tuple[Subset, ...]:
    """One subset for each language, passages in the language of the queries."""
    return tuple(Subset(language, language, language) for language in languages)


def into(passage_language: str, languages: Iterable[str], *, paired_name: bool) -> tuple[Subset, ...]:
    """One subset for each query language, all against passages in `passage_language`."""
    return tuple(
        Subset(f"{language}-{passage_language}" if paired_name else language, language, passage_language)
        for language in languages
    )


def average_of(subsets: Iterable[Subset], title: str = "Avg") -> Average:
    """The average over exactly `subsets`."""
    return Average(title, tuple(subset.name for subset in subsets))
