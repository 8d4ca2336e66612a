"""Training text that is evaluation text: equal, or nearly.

A text is **equal** to an evaluation text if both are the same after NFKC, case and spacing are folded. It is a **near
duplicate** of one if a given share (the recipe's `near_duplicates`)

* of its own n-grams stand in that evaluation text: a sentence of an evaluation passage, or
* of the evaluation text's n-grams stand in it: a passage that contains an evaluation question, or another edition of
  an evaluation passage.

N-grams are those of `data.grams`: five words, or thirteen characters where a script has no spaces; each counts once for
a text. Whichever text the share is taken of must have at least `MIN_GRAMS` of them, which takes eight words or sixteen
characters: shorter texts are compared for equality alone, because phrases like "is one of the largest" are nobody's.
A changed word takes five n-grams away, so that a share of 0.8 forgives about one word in twenty-five. A translation of
an evaluation text has no n-gram in common with it, and is not found; neither is a text that says the same otherwise.

How often it flags by chance: of 3,050,000 texts of Tatoeba, TICO-19, Quran, Open Multilingual Wordnet, Wikipedia
titles, CLDR and WordNet's definitions, compared with 29,000 texts of XQuAD, AfriQA, ARCD, JaQuAD and iApp Wiki QA at a
share of 0.8, it flags 51. All are names and set phrases that do stand in an evaluation passage ("Church of Jesus Christ
of Latter-Day Saints"; half of them are Thai names of sixteen letters or more). Of the 430,000 whole sentences it flags
2, one English sentence twice.

What it costs: on one core 2 µs for a phrase, 4 µs for a short sentence, 12 µs for one of a hundred characters, so that
a million rows of two short texts take some ten seconds; and 16 bytes for each n-gram of the evaluation texts, with some
400 for each text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness._util.lines import read_json_lines, read_lines
from harness.errors import UsageError
from harness_lamir.data.grams import Grams, grams_of
from harness_lamir.data.readers.formats import passage
from harness_lamir.data.seen import hash_of_text
from harness_lamir.data.text import normalise

__all__ = ["MIN_GRAMS", "Clash", "EvaluationTexts", "evaluation_texts"]

#: Distinct n-grams that a text must have for a share of them to mean something.
MIN_GRAMS = 4
#: Evaluation texts that one n-gram is looked up in, at most: an n-gram of more texts tells them apart from nothing.
_COMMON = 1000
#: Characters whose n-grams are computed at a time.
_CHUNK = 1 << 18
#: Keys of JSON objects whose values are evaluation texts.
_KEYS = ("text", "contents", "question", "query")
#: Beginnings of the names of tab-separated files that hold `id<TAB>text`, and what the id column may be headed with.
_TABLES = ("topic", "queries", "questions", "collection")
_HEADERS = frozenset({"id", "_id", "qid", "query_id", "query-id", "topic_id", "docid", "pid"})


@dataclass(frozen=True, slots=True)
class Clash:
    """An evaluation text that a training text is equal or near to.

    Attributes:
        place: where the evaluation text stands, as `folder/file:line`.
        share: the larger of the two shares of n-grams; 1.0 for texts that are equal.
        near: false for texts that are equal.
    """

    place: str
    share: float
    near: bool

    def __str__(self) -> str:
        return f"nearly a text of {self.place} ({self.share:.0%} in common)" if self.near else f"a text of {self.place}"


class EvaluationTexts:
    """An index of evaluation texts. It keeps hashes, not texts.

    Args:
        texts: (place, forms) of each text: the ways in which it may be written down, a passage with and without its
            title. All are compared for equality; n-grams are those of the first. Of equal texts the first counts.
        near: share of n-grams that makes a near duplicate, in (0, 1]; none looks for equal texts alone.
    """

    def __init__(self, texts: Iterable[tuple[str, tuple[str, ...]]], near: float | None = None) -> None:
        self.near = near
        self._places: list[str] = []
        self._numbers: dict[int, int] = {}  # hash of a normalised text -> its number
        keys, owners, sizes = [np.empty(0, np.uint64)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for start, chunk in self._chunks(texts):
            grams = grams_of(chunk) if near is not None else Grams.none(len(chunk))
            for number in range(len(chunk)):
                distinct = grams.of(number)
                keys.append(distinct)
                owners.append(np.full(len(distinct), start + number))
            sizes.append(np.array([len(distinct) for distinct in keys[-len(chunk) :]]))
        every, owner = np.concatenate(keys), np.concatenate(owners)
        order = np.argsort(every, kind="stable")
        self._owners = owner[order]  # (P,) texts that have an n-gram, n-gram by n-gram, texts ascending
        self._keys, starts = np.unique(every[order], return_index=True)  # (K,) distinct n-grams, sorted
        self._starts = np.append(starts, len(every))  # (K + 1,)
        self._sizes = np.concatenate(sizes)  # (E,) distinct n-grams of each text

    def __len__(self) -> int:
        return len(self._places)

    def find(self, texts: Sequence[str]) -> list[Clash | None]:
        """Return for each text the evaluation text it is equal to, else the one nearest to it, else None.

        Faster for many texts at once. Of several that are equally near, the one that was read first is named.
        """
        normal = [normalise(text) for text in texts]
        found: list[Clash | None] = [self._equal(text) for text in normal]
        if self.near is None or not len(self._keys):
            return found
        start = 0
        while start < len(normal):
            stop, characters = start, 0
            while stop < len(normal) and (stop == start or characters + len(normal[stop]) <= _CHUNK):
                characters += len(normal[stop])
                stop += 1
            for number, clash in self._near(grams_of(normal[start:stop]), self.near):
                found[start + number] = found[start + number] or clash
            start = stop
        return found

    def _chunks(self, texts: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[tuple[int, list[str]]]:
        """Number the texts that are new; yield (number of the first, normalised texts), some at a time."""
        chunk: list[str] = []
        characters = 0
        for place, forms in texts:
            normal, *others = (normalise(form) for form in forms)
            if not normal:
                continue
            number = self._numbers.setdefault(hash_of_text(normal), len(self._places))
            for other in others:
                self._numbers.setdefault(hash_of_text(other), number)
            if number < len(self._places):
                continue
            self._places.append(place)
            chunk.append(normal)
            characters += len(normal)
            if characters >= _CHUNK:
                yield len(self._places) - len(chunk), chunk
                chunk, characters = [], 0
        if chunk:
            yield len(self._places) - len(chunk), chunk

    def _equal(self, normal: str) -> Clash | None:
        """Look a normalised text up."""
        number = self._numbers.get(hash_of_text(normal))
        return None if number is None else Clash(self._places[number], 1.0, near=False)

    def _near(self, grams: Grams, share: float) -> Iterator[tuple[int, Clash]]:
        """Yield (number, clash) of the texts, given by their n-grams, that are near to an evaluation text."""
        order = np.argsort(grams.hashes)  # neighbours are looked up in the same part of the index
        ordered = grams.hashes[order]
        at = np.minimum(np.searchsorted(self._keys, ordered), len(self._keys) - 1)
        hit = order[self._keys[at] == ordered]
        owner = np.searchsorted(grams.starts, hit, side="right") - 1
        shared = np.bincount(owner, minlength=len(grams.starts) - 1)
        for number in np.flatnonzero(shared >= share * MIN_GRAMS).tolist():
            distinct = grams.of(number)
            clash = self._nearest(distinct, share)
            if clash is not None:
                yield number, clash

    def _nearest(self, distinct: NDArray[np.uint64], share: float) -> Clash | None:
        """Return the evaluation text nearest to a text with these distinct n-grams (G,), sorted, if it is near."""
        at = np.minimum(np.searchsorted(self._keys, distinct), len(self._keys) - 1)
        at = at[self._keys[at] == distinct]
        stops = np.minimum(self._starts[at + 1], self._starts[at] + _COMMON)
        owners = [self._owners[start:stop] for start, stop in zip(self._starts[at], stops, strict=True)]
        numbers, common = np.unique(np.concatenate(owners or [self._owners[:0]]), return_counts=True)
        if not len(numbers):
            return None
        sizes = self._sizes[numbers]
        theirs = np.where(sizes >= MIN_GRAMS, common / sizes, 0.0)
        shares = np.maximum(theirs, common / len(distinct)) if len(distinct) >= MIN_GRAMS else theirs
        best = int(np.argmax(shares))
        if shares[best] < share:
            return None
        return Clash(self._places[int(numbers[best])], float(shares[best]), near=True)


def evaluation_texts(folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (place, forms) of every text below an evaluation folder; a place is `folder/…/file:line`.

    Read are files of JSON lines (`.jsonl`, as in the BEIR layout: the values of `text`, `contents`, `question` and
    `query`, each also with the `title` before it) and tab-separated files (`.tsv`, `.txt`) of `id<TAB>text` whose names
    begin with topic, queries, questions or collection; `.gz` or not. What else there is (judgements, readme files) is
    passed over.

    Raises:
        UsageError: the folder is missing or holds no such text, or a line is malformed.
    """
    empty = True
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        plain = path.with_suffix("") if path.suffix == ".gz" else path
        if plain.suffix == ".jsonl":
            found = _of_json(path)
        elif plain.suffix in (".tsv", ".txt") and plain.name.startswith(_TABLES):
            found = _of_table(path)
        else:
            continue
        for line, forms in found:
            empty = False
            yield f"{path.relative_to(folder.parent).as_posix()}:{line}", forms
    if empty:
        raise UsageError(
            f"{folder}: no evaluation texts (.jsonl, or topics as .tsv) to keep training data apart from",
            hint="Correct the list of forbidden folders, or take this one out of it.",
        )


def _of_json(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield (line, forms) of a file of JSON lines."""
    for line, record in read_json_lines(path):
        title = record.get("title")
        for key in _KEYS:
            text = record.get(key)
            if isinstance(text, str):
                yield line, (text, passage(title, text)) if isinstance(title, str) and title else (text,)


def _of_table(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield (line, forms) of a file of `id<TAB>text`, which may have a heading."""
    for line, content in read_lines(path):
        identity, _, text = content.partition("\t")
        if not (line == 1 and identity.strip().casefold() in _HEADERS):
            yield line, (text,)
