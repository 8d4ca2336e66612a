"""From a recipe to text that may be trained on.

All globs are looked up before the first file is read, so that what is misspelt shows in seconds; then every source is
read (`data.reading`) into a file that is mapped into memory (`data.table`). These files lie in the system's temporary
folder (`TMPDIR`) and have no name any more when `load_streams` returns: nothing is left behind, however the process
ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory, mkdtemp
from typing import TypeAlias

from harness._util.names import did_you_mean
from harness.errors import UsageError
from harness_lamir.data.contamination import EvaluationTexts, evaluation_texts
from harness_lamir.data.finding import find_files, forbidden_folders, language_by_name
from harness_lamir.data.reading import FileRecord, OnProgress, RunData, SourceReader, source_in_words
from harness_lamir.data.rows import Kind, Row, texts_of
from harness_lamir.data.seen import SeenHashes
from harness_lamir.data.streams import Group, RowStream
from harness_lamir.recipe import Recipe, Source, Stream

__all__ = ["FileRecord", "Streams", "load_streams", "used_streams"]

#: The sources of a stream, each with the files to read.
_Plan: TypeAlias = Sequence[tuple[Source, Sequence[Path]]]


@dataclass(frozen=True)
class Streams:
    """What a run trains on: the streams by name, and the files that they were read from."""

    by_name: Mapping[str, RowStream]
    files: list[FileRecord]

    def sample_texts(self, count: int, rng: Random) -> list[str]:
        """Return `count` texts to learn a vocabulary from: as many from every stream, drawn as training draws rows.

        All texts of a row that is drawn are taken; hard negatives too where the stream draws them.
        """
        texts: list[str] = []
        for position, stream in enumerate(self.by_name.values(), start=1):
            until = count * position // len(self.by_name)
            while (missing := until - len(texts)) > 0:
                rows = stream.sample(rng, -(-missing // 2))  # most rows have two texts or more
                texts.extend(chain.from_iterable(map(texts_of, rows)))
                del texts[until:]
        return texts

    def rows(self, kind: Kind) -> Iterator[Row]:
        """Yield every row of the streams of a kind."""
        for stream in self.by_name.values():
            if stream.kind == kind:
                yield from stream


def used_streams(recipe: Recipe) -> list[str]:
    """Return the names of the streams that active objectives draw from, in the recipe's order.

    Raises:
        UsageError: an objective names a stream that the recipe does not have, or none names any.
    """
    named = [name for entry in recipe.active for name in (entry.stream, *entry.streams.values()) if name is not None]
    for name in named:
        if name not in recipe.streams:
            raise UsageError(
                f"recipe {recipe.name}: an objective draws from the stream {name!r}, which is not there",
                did_you_mean(name, recipe.streams),
            )
    if not named:
        raise UsageError(
            f"recipe {recipe.name}: no objective draws from a stream",
            hint="Give an objective with a positive weight `stream: NAME`.",
        )
    return [name for name in recipe.streams if name in named]


def load_streams(
    recipe: Recipe, data: Path, *, on_progress: OnProgress = lambda file, rows: None, scratch: Path | None = None
) -> Streams:
    """Read every file that the active objectives of a recipe need.

    Args:
        recipe: the recipe.
        data: the folder its paths start from.
        on_progress: told how far reading is.
        scratch: the folder for the mapped text, on a disk with room for all of it; by default the system's.

    Raises:
        UsageError: a folder or file is missing, malformed or evaluation data; a glob matches nothing; a row holds an
            evaluation text, and the recipe does not say to drop it, or has too few hard negatives; a language is in
            no file; nothing is left of a source; the disk is full.
    """
    if not data.is_dir():
        raise UsageError(f"data folder {data}: no such folder", hint="Name it with --data DIR.")
    names = used_streams(recipe)
    forbidden = forbidden_folders(recipe.forbidden, data)
    plans = {name: _plan(name, recipe.streams[name], data, forbidden) for name in names}
    texts = EvaluationTexts(chain.from_iterable(map(evaluation_texts, forbidden)), recipe.near_duplicates)
    run = RunData(recipe, data, texts, on_progress)
    records: list[FileRecord] = []
    try:
        with TemporaryDirectory(prefix="lamir-", dir=scratch, ignore_cleanup_errors=True) as folder:
            by_name = {name: _read(run, name, plan, Path(folder), records) for name, plan in plans.items()}
    except OSError as error:
        raise UsageError(
            f"training text cannot be laid out on disk ({error.strerror or error})",
            hint="Is the disk of the temporary folder full? TMPDIR names another folder.",
        ) from error
    return Streams(by_name, records)


def _plan(name: str, stream: Stream, data: Path, forbidden: Sequence[Path]) -> _Plan:
    """Find the files of every source of a stream, and look its languages up if the files' names tell them all."""
    kind = stream.kind
    plan = [
        (source, find_files(source, kind, data, forbidden, source_in_words(source, name))) for source in stream.sources
    ]
    named = {language_by_name(path, kind, source) for source, paths in plan for path in paths}
    if None not in named:
        _check_languages(name, stream, {language for language in named if language is not None} | {"en"})
    return plan


def _read(run: RunData, name: str, plan: _Plan, folder: Path, records: list[FileRecord]) -> RowStream:
    """Read one stream into files in a folder; add what was read from which file to the records."""
    stream = run.recipe.streams[name]
    seen = SeenHashes()
    groups: list[Group] = []
    languages: set[str] = set()
    for source, paths in plan:
        reader = SourceReader(run, name, stream, source, seen)
        groups += reader.groups(paths, Path(mkdtemp(dir=folder)) / "rows.arrow")
        records += reader.records
        languages |= reader.languages
    _check_languages(name, stream, languages)
    return RowStream(
        name,
        stream.kind,
        groups,
        batch_size=stream.batch_size,
        same_language=stream.same_language,
        hard_negatives=stream.hard_negatives,
    )


def _check_languages(name: str, stream: Stream, known: set[str]) -> None:
    """Refuse a language that no row of the stream is in: it is misspelt, or its files are missing."""
    for key, codes in (("languages", stream.languages or ()), ("without_languages", stream.without_languages)):
        for code in codes:
            if code not in known:
                raise UsageError(
                    f"stream {name!r}: no text is in {code!r}, which `{key}` names",
                    did_you_mean(code, known) or f"Take {code!r} out of `{key}`.",
                )
