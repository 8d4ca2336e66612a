"""Tab-separated files, without quoting: one row a line.

* `ir`: query, passage.
* `parallel`: English, other.
* `text`: one column of several, the source's `column`.
* `multiway`: a header of language codes, then a cell for each; empty where there is no text, at least two filled.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import DataError
from harness_lamir.data.readers.formats import Format, Numbered, cells_of, pair_language, row_language
from harness_lamir.data.rows import Multiway, Pair, Text, Translation
from harness_lamir.data.text import lines

if TYPE_CHECKING:
    from harness_lamir.recipe import Source

__all__ = ["FORMAT", "read_multiway", "read_pairs", "read_texts", "read_translations"]


def read_pairs(path: Path, source: Source) -> Numbered:
    """Yield a `Pair` a line. Raises DataError for a line that is not two filled columns."""
    language = pair_language(path, source)
    for number, line in lines(path):
        query, positive = cells_of(line, ("query", "passage"), f"{path}:{number}")
        yield number, Pair(query, positive, (), language)


def read_translations(path: Path, source: Source) -> Numbered:
    """Yield a `Translation` a line. Raises DataError for a line that is not two filled columns."""
    language = row_language(path, source)
    for number, line in lines(path):
        english, other = cells_of(line, ("english", "other"), f"{path}:{number}")
        yield number, Translation(english, other, language)


def read_texts(path: Path, source: Source) -> Numbered:
    """Yield the `Text` in the source's column. Raises DataError where it is missing or blank, or not chosen."""
    language = row_language(path, source)
    for number, line in lines(path):
        cells = line.split("\t")
        if source.column is None and len(cells) > 1:
            raise DataError(
                f"{path}:{number}: {len(cells)} columns, and source {source.name!r} does not say which to read",
                "Set its `column`; 1 is the first.",
            )
        column = source.column or 1
        text = cells[column - 1].strip() if column <= len(cells) else ""
        if not text:
            raise DataError(
                f"{path}:{number}: column {column} is missing or empty",
                "Correct the line, or the `column` of the source; 1 is the first.",
            )
        yield number, Text(text, language)


def read_multiway(path: Path, source: Source) -> Numbered:
    """Yield a `Multiway` a line. Raises DataError for a wrong header, count of cells, or fewer than two texts."""
    rows = lines(path)
    number, line = next(rows)
    languages = _header(line, f"{path}:{number}")
    empty = True
    for number, line in rows:
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != len(languages):
            raise DataError(
                f"{path}:{number}: {len(cells)} columns where the header has {len(languages)}",
                "Keep the tabs of cells that are empty.",
            )
        filled = [(text, language) for text, language in zip(cells, languages, strict=True) if text]
        if len(filled) < 2:
            raise DataError(f"{path}:{number}: a text in one language alone", "Fill two cells, or remove the line.")
        texts, spoken = zip(*filled, strict=True)
        empty = False
        yield number, Multiway(texts, spoken)
    if empty:
        raise DataError(f"{path}: a header and no text", "Remove it from the recipe.")


def _header(line: str, where: str) -> list[str]:
    """Check the header of languages."""
    languages = [cell.strip() for cell in line.split("\t")]
    if len(languages) < 2 or not all(languages) or len(set(languages)) < len(languages):
        raise DataError(
            f"{where}: the header must be two or more language codes, each once: {line[:80]!r}",
            "The first line says which language each column is in, as in en<TAB>sw<TAB>yo.",
        )
    if spaced := next((code for code in languages if len(code.split()) > 1), None):
        raise DataError(f"{where}: {spaced[:60]!r} is no language code", "The first line is the header of languages.")
    return languages


FORMAT = Format(
    name="tsv",
    summary="Columns between tabs, one row a line.",
    read={"ir": read_pairs, "parallel": read_translations, "text": read_texts, "multiway": read_multiway},
    suffixes=(".tsv",),
)
