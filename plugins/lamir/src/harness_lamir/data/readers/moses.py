"""Two line-aligned files, one sentence a line, as Moses and OPUS have them: `corpus.en` and `corpus.sw`, or
`corpus.en-sw.en` and `corpus.en-sw.sw`.

Either side may be named. The English one stands for each of its pairs: for one where it is called after a pair of
languages, and otherwise for all the files that differ from it in the last part of the name alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import DataError
from harness_lamir.data.names import ENGLISH
from harness_lamir.data.readers.formats import Format, Numbered, row_language
from harness_lamir.data.rows import Translation
from harness_lamir.data.text import lines

if TYPE_CHECKING:
    from harness_lamir.recipe import Source

__all__ = ["FORMAT", "read_translations"]

_OTHER_KINDS = frozenset({"ids", "xml", "scores", "tmx", "tsv", "json", "jsonl", "csv", "zip", "txt"})


def read_translations(path: Path, source: Source) -> Numbered:
    """Yield a `Translation` a line of the two files; lines that are blank in both are left out.

    Raises:
        DataError: there is no other side, or several; the sides are not equally long; a line is blank on one side.
    """
    sides = entries(path)
    if len(sides) > 1:
        names = ", ".join(side.name for side in sides)
        raise DataError(f"{path}: has several translations: {names}", "Name the side that is not English.")
    other_path, english_path = files(sides[0])
    language = row_language(other_path, source)
    for (number, english), (at, other) in _in_step(english_path, other_path):
        if number != at:
            blank, line = (other_path, number) if number < at else (english_path, at)
            raise DataError(
                f"{blank}:{line}: the line is blank, and its translation is not",
                "Remove the line from both files, as Moses' clean-corpus-n.perl does.",
            )
        yield number, Translation(english.strip(), other.strip(), language)


def entries(path: Path) -> tuple[Path, ...]:
    """Return the sides that are not English for either side of a pair. Raises DataError where there is none."""
    stem, language, zipped = _parts(path)
    if language not in ENGLISH:
        return (path,)
    pair = stem.rsplit(".", 1)[-1].split("-")
    found: dict[str, Path] = {}
    for other in sorted(path.parent.iterdir()):
        its_stem, its_language, _ = _parts(other)
        named = len(pair) != 2 or language not in pair or its_language in pair
        if its_stem == stem and its_language not in ENGLISH | _OTHER_KINDS and named and other.is_file():
            found.setdefault(its_language, other)
    if not found:
        raise DataError(f"{path}: no other side beside it", f"It would be {stem}.<language>{zipped}.")
    return tuple(found.values())


def files(path: Path) -> tuple[Path, ...]:
    """Return a side that is not English, and the English one. Raises DataError where there is none."""
    stem, language, zipped = _parts(path)
    if not stem:
        raise DataError(
            f"{path}: its name ends with no language", "Line-aligned files are called corpus.en, corpus.sw."
        )
    if language in ENGLISH:
        return (path, *entries(path))
    names = [f"{stem}.{code}{end}" for code in sorted(ENGLISH) for end in (zipped, "", ".gz")]
    for name in names:
        if (english := path.with_name(name)).is_file():
            return path, english
    raise DataError(f"{path}: no English side beside it", f"It would be {names[0]}.")


def _in_step(english: Path, other: Path) -> Iterator[tuple[tuple[int, str], tuple[int, str]]]:
    """Yield the lines of both files together; refuse it when one ends before the other."""
    ends = {english: 0, other: 0}
    short = False
    for first, second in zip_longest(lines(english), lines(other)):
        for path, line in ((english, first), (other, second)):
            if line is not None:
                ends[path] = line[0]
        if first is None or second is None:
            short = True  # go on, to tell how many lines there are
        else:
            yield first, second
    if short:
        raise DataError(
            f"{english} has {ends[english]} lines, and {other} has {ends[other]}",
            "Line n of one must translate line n of the other: fetch both again, from one place.",
        )


def _parts(path: Path) -> tuple[str, str, str]:
    """Return the name without its language, the language, and `.gz` or nothing."""
    name, zipped = (path.name[:-3], path.name[-3:]) if path.name.lower().endswith(".gz") else (path.name, "")
    stem, _, language = name.rpartition(".")
    return stem, language, zipped


def _guess(path: Path) -> bool:
    """Whether there is an other side."""
    with suppress(DataError, OSError):
        stem, language, _ = _parts(path)
        return bool(stem) and language not in _OTHER_KINDS and len(files(path)) > 1
    return False


FORMAT = Format(
    name="moses",
    summary="Two line-aligned files, of which either is named.",
    read={"parallel": read_translations},
    guess=_guess,
    entries=entries,
    files=files,
)
