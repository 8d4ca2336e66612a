"""From a recipe to text that may be trained on: find, read, keep apart from evaluation, mix.

Nothing is drawn before everything is read and checked. A `Mixture` then answers one question: give
me n rows, the sources in their shares and the languages of a source by temperature sampling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Generic, TypeVar

from harness.errors import UsageError
from harness_lamir.data import (
    IrPair,
    TextFile,
    evaluation_texts,
    fingerprint,
    language_of,
    normalise,
    read_ir,
    read_parallel,
    read_texts,
)
from harness_lamir.recipe import Recipe, Source, Stream

__all__ = ["Corpora", "FileRecord", "Group", "Mixture", "load_corpora"]

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Group(Generic[Row]):
    """The rows of one source in one language, and how often they are drawn."""

    source: str
    language: str
    rows: list[Row]
    weight: float


class Mixture(Generic[Row]):
    """Draws rows from groups in proportion to the groups' weights.

    Args:
        groups: at least one, each with at least one row and a positive weight.
    """

    def __init__(self, groups: Sequence[Group[Row]]) -> None:
        """Keep the groups; see the class."""
        self.groups = list(groups)
        self._cumulated = list(accumulate(group.weight for group in self.groups))

    def draw(self, rng: Random, count: int) -> list[Row]:
        """Return ``count`` rows, drawn with replacement."""
        groups = rng.choices(self.groups, cum_weights=self._cumulated, k=count)
        return [group.rows[rng.randrange(len(group.rows))] for group in groups]

    def hold_out(self, rng: Random, count: int) -> list[Row]:
        """Take ``count`` rows out for good, spread as `draw` would; a group keeps at least half.

        Raises:
            UsageError: there are fewer rows than that to take.
        """
        room = [len(group.rows) // 2 for group in self.groups]
        if count > sum(room):
            raise UsageError(
                f"heldout_pairs is {count}, but at most {sum(room)} pairs can be spared",
                hint="Hold out fewer pairs, or add parallel text.",
            )
        taken: list[Row] = []
        while len(taken) < count:
            (index,) = rng.choices(range(len(room)), cum_weights=self._cumulated)
            if room[index]:
                room[index] -= 1
                rows = self.groups[index].rows
                taken.append(rows.pop(rng.randrange(len(rows))))
        return taken

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(len(group.rows) for group in self.groups)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What was read from a file; ``path`` is relative to the data folder, with forward slashes."""

    stream: str
    source: str
    path: str
    licence: str
    rows: int
    dropped: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Corpora:
    """The text of a run: a mixture for each stream, and what it was made of."""

    ir: Mixture[IrPair] | None
    parallel: Mixture[tuple[str, str]] | None
    nonparallel: Mixture[str] | None
    files: list[FileRecord]


def load_corpora(recipe: Recipe, data: Path) -> Corpora:
    """Read every file of a recipe.

    Args:
        recipe: the recipe.
        data: the folder its paths start from.

    Raises:
        UsageError: a glob matches nothing, a file is malformed, lies in a forbidden folder, or
            holds a text of one (and the recipe does not say to drop those).
    """
    loader = _Loader(recipe, data)
    streams = recipe.streams
    needed = streams.ir.hard_negatives if streams.ir else 0
    ir = loader.stream("ir", streams.ir, lambda path, _: _checked_ir(path, needed), _ir_texts)
    parallel = loader.stream("parallel", streams.parallel, lambda path, _: read_parallel(path), list)
    nonparallel = loader.stream(
        "nonparallel",
        streams.nonparallel,
        lambda path, source: read_texts(path, source.column),
        lambda text: [text],
    )
    return Corpora(ir, parallel, nonparallel, loader.records)


class _Loader:
    """Reads the files of the streams, one stream after the other."""

    def __init__(self, recipe: Recipe, data: Path) -> None:
        if not data.is_dir():
            raise UsageError(f"data folder {data}: no such folder", hint="Name it with --data DIR.")
        self.data = data
        self.drop = recipe.drop_forbidden_texts
        self.folders = [(data / name).resolve() for name in recipe.forbidden]
        self.texts: dict[str, str] = {}
        for folder in self.folders:
            self.texts.update(evaluation_texts(folder))
        self.records: list[FileRecord] = []

    def stream(
        self,
        name: str,
        stream: Stream | None,
        read: Callable[[Path, Source], TextFile[Row]],
        texts_of: Callable[[Row], Iterable[str]],
    ) -> Mixture[Row] | None:
        """Read one stream; none if the recipe has none."""
        if stream is None:
            return None
        groups: list[Group[Row]] = []
        for source in stream.sources:
            files = [self._keep(read(path, source), texts_of) for path in self._find(source, name, stream.languages)]
            kept = [(file, dropped) for file, dropped in files if file.rows]
            total = sum(len(file.rows) ** stream.alpha for file, _ in kept)
            for file, dropped in kept:
                weight = source.share * len(file.rows) ** stream.alpha / total
                groups.append(Group(source.name, file.language, file.rows, weight))
                self.records.append(self._record(name, source, file, dropped))
        if not groups:
            raise UsageError(f"stream {name!r}: every text is one of the forbidden folders' texts")
        return Mixture(groups)

    def _find(self, source: Source, stream: str, languages: list[str] | None) -> list[Path]:
        """Return the files of a source in a fixed order, none of them forbidden."""
        found: dict[Path, None] = {}
        for pattern in source.files:
            if Path(pattern).is_absolute():
                raise UsageError(
                    f"source {source.name!r} of stream {stream!r}: {pattern} is absolute",
                    hint="Write it relative to the data folder, and name that with --data DIR.",
                )
            matches = sorted(path for path in self.data.glob(pattern) if path.is_file())
            if not matches:
                raise UsageError(
                    f"source {source.name!r} of stream {stream!r}: no file matches {pattern!r}",
                    hint=f"Paths start from {self.data}; name another folder with --data DIR.",
                )
            found.update(dict.fromkeys(matches))
        if languages is not None:
            found = {path: None for path in found if language_of(path) in languages}
            if not found:
                raise UsageError(
                    f"source {source.name!r} of stream {stream!r}: no file is in a language of {', '.join(languages)}",
                    hint="Files are named after their language, as in sw.tsv.gz.",
                )
        for path in found:
            for folder in self.folders:
                if path.resolve().is_relative_to(folder):
                    raise UsageError(
                        f"source {source.name!r} of stream {stream!r}: {path} is evaluation data",
                        hint=f"{folder} is listed as forbidden; train on something else.",
                    )
        return list(found)

    def _keep(self, file: TextFile[Row], texts_of: Callable[[Row], Iterable[str]]) -> tuple[TextFile[Row], int]:
        """Return the file without the rows that hold an evaluation text, and how many those are."""
        if not self.texts:
            return file, 0
        rows, lines = [], []
        for row, line in zip(file.rows, file.lines, strict=True):
            keys = ((text, normalise(text)) for text in texts_of(row))
            clash = next(((text, self.texts[key]) for text, key in keys if key in self.texts), None)
            if clash is None:
                rows.append(row)
                lines.append(line)
            elif not self.drop:
                text, place = clash
                raise UsageError(
                    f"{file.path}:{line}: {text[:60]!r} is a text of {place}",
                    hint="Remove the line, or set `drop_forbidden_texts: true` in the recipe.",
                )
        kept: TextFile[Row] = TextFile(file.path, file.language, rows, lines)
        return kept, len(file.rows) - len(rows)

    def _record(self, stream: str, source: Source, file: TextFile[Row], dropped: int) -> FileRecord:
        """Describe a file for the model card."""
        path = file.path.relative_to(self.data).as_posix()
        digest = fingerprint(file.path)
        rows = len(file.rows)
        return FileRecord(stream, source.name, path, source.licence, rows, dropped, digest)


def _checked_ir(path: Path, negatives: int) -> TextFile[IrPair]:
    """Read English pairs, each with at least so many hard negatives."""
    file = read_ir(path)
    for row, line in zip(file.rows, file.lines, strict=True):
        if len(row.negatives) < negatives:
            raise UsageError(
                f"{path}:{line}: {len(row.negatives)} hard negatives; the recipe draws {negatives}",
                hint="Add some, or lower `hard_negatives` of the stream `ir`.",
            )
    return file


def _ir_texts(pair: IrPair) -> list[str]:
    """Return all texts of a pair."""
    return [pair.query, pair.positive, *pair.negatives]
