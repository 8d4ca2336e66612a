"""Readers of training text: every format, by name, for the kinds of streams that it can feed.

A loader does, for the files that the globs of a source found:

    paths = entries(found, kind, source)                     Moses: one path for the two sides, and the like
    format = format_for(paths[0], kind, source)
    if format.joins:                                         a row is made of several files: all of them at once
        rows = format.join(paths, source)
    else:
        for path in paths:
            rows = reader_for(path, kind, source)(path, source)      (line number, row), streaming
            opened = files_of(path, kind, source)                    what was read: `path` first, then its companions

Rows of unwanted languages are told by `row.language`; `known_language` says before reading whether a file is worth it.
Sampling, limits and the choice of languages are the loader's, not the readers'.

This module is light: nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness._util.names import did_you_mean
from harness.errors import UsageError
from harness_lamir.data.names import language_of, suffix_of
from harness_lamir.data.readers import beir, dpr, joined, jsonl, moses, plain, tevatron, tmx, tsv, wikimatrix
from harness_lamir.data.readers.formats import Format, JoiningReader, Reader, pair_language, row_language
from harness_lamir.data.rows import Kind

if TYPE_CHECKING:
    from harness_lamir.recipe import Source

__all__ = [
    "FORMATS",
    "Format",
    "JoiningReader",
    "Reader",
    "entries",
    "files_of",
    "format_for",
    "known_language",
    "language_of",
    "reader_for",
]

#: Every format by its name. Where a source names none, the first whose name patterns or suffixes fit is taken.
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        format.name: format
        for format in (
            wikimatrix.FORMAT,
            beir.FORMAT,
            dpr.FORMAT,
            tevatron.FORMAT,
            jsonl.FORMAT,
            tsv.FORMAT,
            joined.FORMAT,
            tmx.FORMAT,
            moses.FORMAT,
            plain.FORMAT,
        )
    }
)


def format_for(path: Path, kind: Kind, source: Source) -> Format:
    """Return the format of a file: the one that its source names, else the one that the file's name says.

    Raises:
        UsageError: there is no format of that name, it cannot feed a stream of that kind, or the name of the file
            says nothing.
    """
    fitting = {name: format for name, format in FORMATS.items() if kind in format.kinds}
    if source.format is not None:
        if source.format not in FORMATS:
            raise UsageError(
                f"source {source.name!r}: there is no format {source.format!r}", did_you_mean(source.format, fitting)
            )
        if source.format not in fitting:
            raise UsageError(
                f"source {source.name!r}: a stream of kind {kind} cannot be read from format {source.format!r}",
                f"Formats for it: {', '.join(fitting)}.",
            )
        return fitting[source.format]
    for format in fitting.values():
        if format.guess(path):
            return format
    for format in fitting.values():
        if suffix_of(path) in format.suffixes:
            return format
    raise UsageError(
        f"{path}: its name does not say how a stream of kind {kind} is to be read from it",
        f"Set `format` of source {source.name!r}: {', '.join(fitting)}.",
    )


def reader_for(path: Path, kind: Kind, source: Source) -> Reader:
    """Return what reads a file; for a joining format it joins that one file alone. Raises UsageError: `format_for`."""
    return format_for(path, kind, source).read[kind]


def entries(found: Iterable[Path], kind: Kind, source: Source) -> list[Path]:
    """Return the paths to give to readers for those that were found, each once, in order.

    The English side of line-aligned files stands for its pairs, a BEIR folder or corpus for its judgements.

    Raises:
        UsageError: as `format_for`, and where a companion of a file is missing or there is a choice of several.
    """
    given: dict[Path, None] = {}
    for path in found:
        given.update(dict.fromkeys(format_for(path, kind, source).entries(path)))
    return list(given)


def files_of(path: Path, kind: Kind, source: Source) -> tuple[Path, ...]:
    """Return every file that is opened to read `path`, which comes first. Raises UsageError as `entries`."""
    return format_for(path, kind, source).files(path)


def known_language(path: Path, kind: Kind, source: Source) -> str | None:
    """Return the language of all rows of a file, or None where the rows themselves tell it.

    Raises:
        UsageError: as `format_for`.
    """
    if kind == "multiway" or format_for(path, kind, source).tells_language:
        return None
    return (pair_language if kind == "ir" else row_language)(path, source)
