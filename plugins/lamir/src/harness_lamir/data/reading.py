"""Reading one source of a stream: rows chosen, kept apart from evaluation, deduplicated, written, sampled.

Every row passes through these, in this order:

1. the stream's choice of languages,
2. the comparison with evaluation texts (`data.contamination`): a row of which any text is one is refused or dropped,
3. the comparison with the rows before it: of equal rows, the first of a stream is read,
4. the source's `sample`, which is drawn of what is left, all languages together. A row that is not drawn may still
   come from a later source.

Everything is streamed: what stays in memory is some forty bytes for a row while its source is read (its hash, in two
places, and its language), eight while its stream is (the hash), and eight for its number from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from random import Random
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness_lamir.data.contamination import EvaluationTexts
from harness_lamir.data.finding import Part, language_by_name, parts_of
from harness_lamir.data.grams import Hashes
from harness_lamir.data.rows import Multiway, Pair, Row, Translation, Triplet, texts_of
from harness_lamir.data.seen import SeenHashes, hashes_of_rows
from harness_lamir.data.streams import Group, temperature_weights
from harness_lamir.data.table import RowTable, TableWriter
from harness_lamir.data.text import fingerprint
from harness_lamir.recipe import Recipe, Source, Stream

__all__ = ["FileRecord", "OnProgress", "RunData", "SourceReader", "source_in_words"]

#: Rows that are compared and written at a time, and the characters beyond which they are enough.
_BATCH_ROWS = 4096
_BATCH_CHARACTERS = 1 << 21

#: Called with a file, relative to the data folder, and how many of its rows were read so far; at its end too.
OnProgress: TypeAlias = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What was read from a file. Of files that are read together, the first has the counts and the others have zeros.

    Attributes:
        stream: the stream's name.
        source: the source's name.
        path: relative to the data folder, with forward slashes.
        licence: the source's licence.
        rows: rows that may be drawn.
        exact: rows that were left out for a text that equals an evaluation text.
        near: rows that were left out for a near duplicate of one, and for no equal text.
        duplicates: rows that were left out because the stream had them.
        sha256: 64 hex digits, of the file as stored.
    """

    stream: str
    source: str
    path: str
    licence: str
    rows: int
    exact: int
    near: int
    duplicates: int
    sha256: str

    @property
    def dropped(self) -> int:
        """Rows that were left out for an evaluation text."""
        return self.exact + self.near


@dataclass
class RunData:
    """What all sources of a run share.

    Attributes:
        recipe: the recipe.
        data: the folder that paths are relative to.
        evaluation: the texts that must not be trained on.
        on_progress: told how far reading is.
    """

    recipe: Recipe
    data: Path
    evaluation: EvaluationTexts
    on_progress: OnProgress
    _digests: dict[Path, str] = field(default_factory=dict)

    def digest(self, path: Path) -> str:
        """The SHA-256 of a file, computed once."""
        if path not in self._digests:
            self._digests[path] = fingerprint(path)
        return self._digests[path]


class SourceReader:
    """Reads one source of a stream, once.

    Args:
        run: what all sources share.
        name: the stream's name.
        stream: the stream.
        source: the source.
        seen: the rows that sources before this one gave to the stream; its own are added.

    Attributes:
        languages: the languages that its rows turned out to be in, whether the stream reads them or not.
        records: what was read from each file.
    """

    def __init__(self, run: RunData, name: str, stream: Stream, source: Source, seen: SeenHashes) -> None:
        """Keep everything; see the class."""
        self.run = run
        self.name = name
        self.stream = stream
        self.source = source
        self.seen = seen
        self.languages: set[str] = set()
        self.records: list[FileRecord] = []
        self._own = SeenHashes()
        self._columns = _Columns()

    def groups(self, paths: Sequence[Path], table: Path) -> list[Group]:
        """Read files into a new table; return the source's groups, one for each language.

        Raises:
            UsageError: a file is malformed, a row has too few hard negatives or must not be trained on, or nothing is
                left.
            OSError: the table cannot be written.
        """
        stream, source = self.stream, self.source
        named = {path: language_by_name(path, stream.kind, source) for path in paths}
        self.languages.update(language for language in named.values() if language is not None)
        parts = parts_of([path for path in paths if _wanted(named[path], stream)], source, stream.kind)
        with TableWriter(table, stream.kind) as writer:
            counts = [self._read(part, writer) for part in parts]
        hashes, labels = np.concatenate(self._columns.hashes), np.concatenate(self._columns.labels)
        kept = self._sample(len(hashes))
        self._check_left(kept, counts)
        self.seen.add(hashes[kept])
        ends = np.searchsorted(kept, np.cumsum([0, *(count.written for count in counts)]))
        for part, count, left in zip(parts, counts, np.diff(ends).tolist(), strict=True):
            if count.any:
                self._record(part, left, count)
        rows = RowTable(table, stream.kind, remove=True)
        numbers = {code: kept[labels[kept] == label] for code, label in self._columns.codes.items()}
        sizes = {code: len(found) for code, found in numbers.items() if len(found)}
        weights = temperature_weights(source.share, sizes, stream.alpha)
        return [Group(source.name, code, rows, numbers[code], weight) for code, weight in weights.items()]

    def _read(self, part: Part, writer: TableWriter) -> _Counts:
        """Read the files of a part."""
        counts = _Counts()
        name = part.files[0].relative_to(self.run.data).as_posix()
        read = 0
        for batch in _batches(part.rows):
            read += len(batch)
            lines, rows = self._of_wanted_languages(batch)
            self._check_negatives(part, lines, rows)
            rows = self._apart_from_evaluation(part, lines, rows, counts)
            hashes = hashes_of_rows(rows)
            if self.run.recipe.deduplicate:
                new = self._own.add(hashes) & ~self.seen.has(hashes)
                counts.duplicates += len(rows) - int(new.sum())
                rows, hashes = [row for row, is_new in zip(rows, new, strict=True) if is_new], hashes[new]
            writer.append(rows)
            self._columns.append(rows, hashes)
            counts.written += len(rows)
            self.run.on_progress(name, read)
        return counts

    def _of_wanted_languages(self, batch: Sequence[tuple[int, Row]]) -> tuple[list[int], list[Row]]:
        """Return the lines and rows of languages that the stream reads, without negatives that nobody draws."""
        lines: list[int] = []
        rows: list[Row] = []
        for line, row in batch:
            self.languages.update(row.languages if isinstance(row, Multiway) else (row.language,))
            if isinstance(row, Translation | Triplet):
                self.languages.add("en")
            chosen = _chosen(row, self.stream)
            if chosen is not None:
                lines.append(line)
                rows.append(chosen)
        return lines, rows

    def _check_negatives(self, part: Part, lines: Sequence[int], rows: Sequence[Row]) -> None:
        """Refuse a row with fewer hard negatives than the stream draws."""
        needed = self.stream.hard_negatives
        for line, row in zip(lines, rows, strict=True) if needed else ():
            if isinstance(row, Pair) and len(row.negatives) < needed:
                raise UsageError(
                    f"{part.place(line)}: {len(row.negatives)} hard negatives; the recipe draws {needed}",
                    hint=f"Add some, or lower `hard_negatives` of the stream {self.name!r}.",
                )

    def _apart_from_evaluation(
        self, part: Part, lines: Sequence[int], rows: Sequence[Row], counts: _Counts
    ) -> list[Row]:
        """Return the rows without an evaluation text. Raises UsageError for one that must not be dropped."""
        if not len(self.run.evaluation):
            return list(rows)
        texts = [texts_of(row) for row in rows]
        found = iter(self.run.evaluation.find(list(chain.from_iterable(texts))))
        clean: list[Row] = []
        for line, row, own in zip(lines, rows, texts, strict=True):
            clashes = [(text, clash) for text, clash in ((text, next(found)) for text in own) if clash is not None]
            if not clashes:
                clean.append(row)
            elif not self.run.recipe.drop_forbidden_texts:
                text, clash = clashes[0]
                raise UsageError(
                    f"{part.place(line)}: {text[:60]!r} is {clash}",
                    hint="Remove the line, or set `drop_forbidden_texts: true` in the recipe.",
                )
            elif all(clash.near for _, clash in clashes):
                counts.near += 1
            else:
                counts.exact += 1
        return clean

    def _record(self, part: Part, rows: int, counts: _Counts) -> None:
        """Describe the files of a part for the model card."""
        for path in part.files:
            figures = (rows, counts.exact, counts.near, counts.duplicates) if path == part.files[0] else (0, 0, 0, 0)
            relative, licence = path.relative_to(self.run.data).as_posix(), self.source.licence
            digest = self.run.digest(path)
            self.records.append(FileRecord(self.name, self.source.name, relative, licence, *figures, sha256=digest))

    def _sample(self, rows: int) -> NDArray[np.int64]:
        """Return the numbers of the rows that are kept, ascending."""
        size = self.source.sample
        if size is None or size >= rows:
            return np.arange(rows, dtype=np.int64)
        rng = Random(f"{self.run.recipe.seed}/{self.name}/{self.source.name}")
        return np.array(sorted(rng.sample(range(rows), size)), np.int64)

    def _check_left(self, kept: NDArray[np.int64], counts: list[_Counts]) -> None:
        """Refuse a source of which nothing is left: its share would silently go to the others."""
        if len(kept):
            return
        if not any(count.any for count in counts):
            raise UsageError(
                f"{source_in_words(self.source, self.name)}: it has no row in a language that the stream reads",
                hint=f"It has {', '.join(sorted(self.languages)) or 'none'}. Correct `languages` or "
                "`without_languages` of the stream, or leave the source out.",
            )
        dropped = sum(count.exact + count.near for count in counts)
        duplicates = sum(count.duplicates for count in counts)
        raise UsageError(
            f"{source_in_words(self.source, self.name)}: nothing is left of it: {dropped} rows hold evaluation texts, "
            f"{duplicates} are duplicates",
            hint="Leave the source out.",
        )


@dataclass
class _Counts:
    """What became of the rows of a part."""

    written: int = 0
    exact: int = 0
    near: int = 0
    duplicates: int = 0

    @property
    def any(self) -> bool:
        """Whether any row was of a language that is wanted."""
        return bool(self.written or self.exact or self.near or self.duplicates)


@dataclass
class _Columns:
    """What is remembered of the rows of a source that were written: hash and language, batch by batch."""

    hashes: list[Hashes] = field(default_factory=lambda: [np.empty(0, np.uint64)])
    labels: list[NDArray[np.int32]] = field(default_factory=lambda: [np.empty(0, np.int32)])
    codes: dict[str, int] = field(default_factory=dict)

    def append(self, rows: Sequence[Row], hashes: Hashes) -> None:
        """Remember rows."""
        labels = (self.codes.setdefault(row.language, len(self.codes)) for row in rows)
        self.labels.append(np.fromiter(labels, np.int32, len(rows)))
        self.hashes.append(hashes)


def source_in_words(source: Source, stream: str) -> str:
    """Name a source in errors."""
    return f"source {source.name!r} of stream {stream!r}"


def _batches(rows: Iterable[tuple[int, Row]]) -> Iterator[list[tuple[int, Row]]]:
    """Yield rows some thousand at a time, fewer if they are long."""
    batch: list[tuple[int, Row]] = []
    characters = 0
    for item in rows:
        batch.append(item)
        characters += sum(map(len, texts_of(item[1])))
        if len(batch) >= _BATCH_ROWS or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _wanted(language: str | None, stream: Stream) -> bool:
    """Whether a stream reads a language; yes where it is not known yet."""
    if language is None:
        return True
    return language not in stream.without_languages and (stream.languages is None or language in stream.languages)


def _chosen(row: Row, stream: Stream) -> Row | None:
    """Return what a stream takes of a row: all, the wanted languages of several, none."""
    if isinstance(row, Multiway):
        wanted = [(text, code) for text, code in zip(row.texts, row.languages, strict=True) if _wanted(code, stream)]
        if len(wanted) == len(row.texts):
            return row
        return Multiway(*map(tuple, zip(*wanted, strict=True))) if len(wanted) > 1 else None
    if not _wanted(row.language, stream):
        return None
    # Hard negatives that are never drawn need neither be compared with evaluation texts nor be stored.
    return replace(row, negatives=()) if isinstance(row, Pair) and not stream.hard_negatives else row
