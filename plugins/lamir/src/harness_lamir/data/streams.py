"""Drawing rows: the sources of a stream in their shares, the languages of a source by temperature sampling.

A source of share s is drawn from in proportion to s. Within it, a language of n rows is drawn in proportion to
n ** alpha (Conneau and Lample, "Cross-lingual Language Model Pretraining", NeurIPS 2019, section 3.1), and a row of the
language evenly, with replacement:

    p(row) = share / Σ share  ·  n_language ** alpha / Σ n ** alpha  ·  1 / n_language

All chance comes from the `random.Random` that is passed in: who saves its state draws the same rows again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness_lamir.data.rows import Kind, Pair, Row

__all__ = ["Group", "RowStream", "Rows", "temperature_weights"]


class Rows(Protocol):
    """Rows by number: a list, or a `data.table.RowTable`."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Row: ...


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one source in one language.

    Attributes:
        source: the source's name.
        language: the rows' language.
        table: where the rows are, among others.
        numbers: (n,) integers, the numbers of the group's rows in the table; at least one.
        weight: how often the group is drawn from, relative to the others; positive.
    """

    source: str
    language: str
    table: Rows
    numbers: NDArray[np.int64]
    weight: float


def temperature_weights(share: float, sizes: Mapping[str, int], alpha: float) -> dict[str, float]:
    """Return the weight of each language of a source: share · n ** alpha / Σ n ** alpha, for n rows each."""
    total = sum(size**alpha for size in sizes.values())
    return {language: share * size**alpha / total for language, size in sizes.items()}


class RowStream:
    """Rows of one kind to draw batches from.

    Nothing changes by drawing. Only `hold_out` and `leave_out` take rows away, and leave the weights of groups as they
    are.

    Args:
        name: the stream's name, for errors.
        kind: what the rows are.
        groups: at least one.
        batch_size: rows of a batch, over all devices together.
        same_language: all rows of a draw are of one language.
        hard_negatives: `ir`: how many of its negatives a row that is drawn comes with.
    """

    def __init__(
        self,
        name: str,
        kind: Kind,
        groups: Sequence[Group],
        *,
        batch_size: int,
        same_language: bool = False,
        hard_negatives: int = 0,
    ) -> None:
        """Keep the groups; see the class."""
        self.name = name
        self.kind: Kind = kind
        self.batch_size = batch_size
        self.same_language = same_language
        self.hard_negatives = hard_negatives
        self._groups = list(groups)
        self._numbers = [group.numbers.copy() for group in groups]  # `hold_out` moves them about
        self._sizes = [len(numbers) for numbers in self._numbers]
        self._arrange()

    def draw(self, rng: Random, count: int) -> list[Row]:
        """Return a batch of `count` rows, drawn with replacement.

        With `same_language`, the language is drawn first, as often as a single row would be of it. Rows of kind `ir`
        come with exactly `hard_negatives` negatives, drawn from theirs without replacement.
        """
        urn = self._all
        if self.same_language:
            (urn,) = rng.choices(self._by_language, cum_weights=self._language_weights)
        return self._draw(rng, urn, count)

    def sample(self, rng: Random, count: int) -> list[Row]:
        """Return `count` rows as `draw` does, but of all languages: what many batches would hold."""
        return self._draw(rng, self._all, count)

    def hold_out(self, rng: Random, count: int) -> list[Row]:
        """Take `count` rows out for good, spread as `draw` would; a group keeps at least half of its rows.

        They come whole, with all their negatives. Equal rows were read once unless the recipe says otherwise, so that
        no row that is held out is drawn any more.

        Raises:
            UsageError: there are fewer rows than that to take; none is taken.
        """
        spare = [size // 2 for size in self._sizes]
        if count > sum(spare):
            raise UsageError(
                f"{count} rows are to be held out of the stream {self.name!r}, but at most {sum(spare)} can be spared",
                hint="Hold out fewer (`heldout_pairs`), or add text to the stream.",
            )
        # A group of one row has none to spare.
        weights = [group.weight if spared else 0.0 for group, spared in zip(self._groups, spare, strict=True)]
        cumulated = list(accumulate(weights))
        taken: list[Row] = []
        while len(taken) < count:
            (index,) = rng.choices(range(len(spare)), cum_weights=cumulated)
            spare[index] -= 1
            taken.append(self._groups[index].table[self._take(index, rng)])
            if not spare[index]:
                weights[index] = 0.0
                cumulated = list(accumulate(weights))
        return taken

    def leave_out(self, unwanted: Callable[[Row], bool]) -> int:
        """Take every row out for good for which `unwanted` is true, and return how many; every row is looked at.

        Raises:
            UsageError: no row would be left; none is taken.
        """
        kept = [
            np.array([n for n in numbers[:size].tolist() if not unwanted(group.table[n])], np.int64)
            for group, numbers, size in zip(self._groups, self._numbers, self._sizes, strict=True)
        ]
        before, left = self.rows, sum(map(len, kept))
        if not left:
            raise UsageError(
                f"the stream {self.name!r} has no row but those that are held out of another one",
                hint="Hold out fewer (`heldout_pairs`), or add text to the stream.",
            )
        filled = [(group, numbers) for group, numbers in zip(self._groups, kept, strict=True) if len(numbers)]
        self._groups = [group for group, _ in filled]
        self._numbers = [numbers for _, numbers in filled]
        self._sizes = [len(numbers) for numbers in self._numbers]
        self._arrange()
        return before - left

    def __iter__(self) -> Iterator[Row]:
        """Yield every row there is to draw, source after source, whole and in no order that means anything."""
        for group, numbers, size in zip(self._groups, self._numbers, self._sizes, strict=True):
            for number in numbers[:size]:
                yield group.table[int(number)]

    @property
    def rows(self) -> int:
        """How many rows there are to draw."""
        return sum(self._sizes)

    @property
    def languages(self) -> dict[str, int]:
        """How many rows there are of each language, all sources together."""
        found: dict[str, int] = {}
        for group, size in zip(self._groups, self._sizes, strict=True):
            found[group.language] = found.get(group.language, 0) + size
        return found

    def _arrange(self) -> None:
        """Fill the urns with the groups."""
        self._all = _Urn(range(len(self._groups)), self._groups)
        languages = list(dict.fromkeys(group.language for group in self._groups))
        self._by_language = [
            _Urn([i for i, group in enumerate(self._groups) if group.language == language], self._groups)
            for language in languages
        ]
        self._language_weights = list(accumulate(urn.weight for urn in self._by_language))

    def _draw(self, rng: Random, urn: _Urn, count: int) -> list[Row]:
        """Draw rows from some of the groups."""
        rows: list[Row] = []
        for index in rng.choices(urn.members, cum_weights=urn.cumulated, k=count):
            number = self._numbers[index][rng.randrange(self._sizes[index])]
            row = self._groups[index].table[int(number)]
            if isinstance(row, Pair):
                row = replace(row, negatives=tuple(rng.sample(row.negatives, self.hard_negatives)))
            rows.append(row)
        return rows

    def _take(self, index: int, rng: Random) -> int:
        """Take a row out of a group, and return its number: the last one moves into its place."""
        numbers, size = self._numbers[index], self._sizes[index]
        at = rng.randrange(size)
        number = int(numbers[at])
        numbers[at] = numbers[size - 1]
        self._sizes[index] = size - 1
        return number


class _Urn:
    """Some of the groups, by their positions, and their weights added up from the first on."""

    def __init__(self, members: Sequence[int], groups: Sequence[Group]) -> None:
        self.members = members
        self.cumulated = list(accumulate(groups[i].weight for i in members))
        self.weight = self.cumulated[-1]
