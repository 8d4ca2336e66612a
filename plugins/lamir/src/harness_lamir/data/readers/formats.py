"""What a format is, and the checks that its readers share.

A reader turns one file into rows of one kind, one after the other, and refuses what is malformed with file and line.
It trims the white space around texts and changes nothing else in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from harness._util.lines import optional_text_field, text_field, valid_text
from harness.errors import DataError
from harness_lamir.data.names import coded_language_of, language_of
from harness_lamir.data.rows import Kind, Row

if TYPE_CHECKING:
    from harness_lamir.recipe import Source

__all__ = [
    "Format",
    "JoiningReader",
    "Numbered",
    "Reader",
    "cells_of",
    "characters",
    "field_of",
    "pair_language",
    "passage",
    "passage_of",
    "passages_of",
    "row_language",
    "title_of",
]

#: Rows with the number of the line that each begins on, 1 the first.
Numbered: TypeAlias = Iterator[tuple[int, Row]]


class Reader(Protocol):
    """Reads one file."""

    def __call__(self, path: Path, source: Source) -> Numbered:
        """Yield (line number, row), streaming. Raises DataError with file, line and a hint."""
        ...


class JoiningReader(Protocol):
    """Reads all files of a source at once, because a row is made of several of them."""

    def __call__(self, paths: Sequence[Path], source: Source) -> Numbered:
        """Yield (line number in the first file that the row is made of, row). Raises DataError as `Reader` does."""
        ...


def _itself(path: Path) -> tuple[Path, ...]:
    """A file that is read by itself."""
    return (path,)


@dataclass(frozen=True)
class Format:
    """A way to write rows down.

    Attributes:
        name: what `format:` of a source calls it.
        summary: one sentence.
        read: the reader for each kind of stream that it can feed.
        suffixes: ends of file names, `.gz` aside, that mean this format where a source names none.
        guess: further names that mean this format; asked before suffixes are looked at.
        entries: the files to give to the reader for a file that was named, where those differ: the one of two
            line-aligned files that tells the language, say.
        files: every file that the reader opens for one that it is given; that one comes first.
        tells_language: rows may tell their language themselves, whatever the name of the file.
        join: for a format that needs all files of a source at once: its reader. `read` then holds one that is given
            a single file.
    """

    name: str
    summary: str
    read: Mapping[Kind, Reader]
    suffixes: tuple[str, ...] = ()
    guess: Callable[[Path], bool] = lambda path: False
    entries: Callable[[Path], tuple[Path, ...]] = _itself
    files: Callable[[Path], tuple[Path, ...]] = _itself
    tells_language: bool = False
    join: JoiningReader | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of streams that it can feed."""
        return tuple(self.read)

    @property
    def joins(self) -> bool:
        """Whether all files of a source are read at once, by `join`."""
        return self.join is not None


def row_language(path: Path, source: Source, record: dict[str, Any] | None = None, where: str = "") -> str:
    """Return a row's language: the record's own `language`, else the source's, else the file's name."""
    if record is not None and record.get("language") is not None:
        return field_of(record, "language", where)
    return source.language or language_of(path)


def pair_language(path: Path, source: Source, record: dict[str, Any] | None = None, where: str = "") -> str:
    """Return the language of a question and its passage: `row_language`'s, but English if the name holds no code."""
    if record is not None and record.get("language") is not None:
        return field_of(record, "language", where)
    return source.language or coded_language_of(path) or "en"


def cells_of(line: str, names: Sequence[str], where: str) -> list[str]:
    """Split a line at tabs into one trimmed, non-empty cell for each of `names`."""
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) != len(names) or not all(cells):
        found = f"found {len(cells)}" if len(cells) != len(names) else "one is empty"
        columns = "<TAB>".join(names)
        raise DataError(
            f"{where}: expected {len(names)} non-empty columns, {found}: {line[:80]!r}", f"A line is {columns}."
        )
    return cells


def field_of(record: dict[str, Any], key: str, where: str) -> str:
    """Return a text of a JSON object, trimmed; it must be there and not be blank."""
    try:
        return text_field(record, key, where).strip()
    except DataError as error:
        hint = error.hint or f"{key!r} must be a string that is not blank."
        raise DataError(error.message, hint) from error


def title_of(record: dict[str, Any], where: str) -> str:
    """Return the title of a JSON object, trimmed; "" where it is absent or null."""
    try:
        return optional_text_field(record, "title", where).strip()
    except DataError as error:
        raise DataError(error.message, error.hint or "A title is a string, or left out.") from error


def characters(text: str, what: str, where: str) -> str:
    """Return a text, trimmed; it must be made of characters."""
    try:
        return valid_text(text, what, where).strip()
    except DataError as error:
        raise DataError(error.message, error.hint or "Remove the escape, \\ud800 to \\udfff, from the line.") from error


def passage(title: str, text: str) -> str:
    """Join a title and a text by a blank line, as the passages of MIRACL and Mr.TyDi are shown to encoders."""
    return f"{title}\n\n{text}".strip()


def passage_of(record: Any, where: str) -> str:
    """Return the passage of a JSON object `{"title"?, "text"}`, or of a string, which has no title."""
    if isinstance(record, str) and record.strip():
        return characters(record, "a passage", where)
    if not isinstance(record, dict):
        raise DataError(
            f"{where}: a passage must be an object or a text that is not blank, not {record!r:.60}",
            'Write {"title": …, "text": …}; the title may be left out.',
        )
    text = field_of(record, "text", where)
    return passage(title_of(record, where), text)


def passages_of(record: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    """Return the passages listed under a key; none where it is absent or null."""
    found = record.get(key)
    if found is None:
        return ()
    if not isinstance(found, list):
        raise DataError(
            f"{where}: {key!r} must be a list of passages, not {type(found).__name__}",
            f'Write "{key}": [] where there are none.',
        )
    return tuple(passage_of(each, f"{where}: {key}[{index}]") for index, each in enumerate(found))
