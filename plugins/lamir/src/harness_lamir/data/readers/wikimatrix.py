"""WikiMatrix: mined translations with the score that they were mined by (Schwenk et al., EACL 2021).

A line is `margin<TAB>first<TAB>second`. The name of the file says which side is English: the second column of
`WikiMatrix.en-sw.tsv.gz`, the third of `WikiMatrix.ar-en.tsv.gz`. Pairs below the source's `margin` are left out.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import DataError
from harness_lamir.data.names import ENGLISH, pair_of
from harness_lamir.data.readers.formats import Format, Numbered, cells_of, row_language
from harness_lamir.data.rows import Translation
from harness_lamir.data.text import lines

if TYPE_CHECKING:
    from harness_lamir.recipe import Source

__all__ = ["FORMAT", "MARGIN", "read_translations"]

#: The margin that its authors recommend.
MARGIN = 1.04


def read_translations(path: Path, source: Source) -> Numbered:
    """Yield a `Translation` for each line that reaches the margin.

    Raises:
        DataError: the name holds no pair of languages with English, a line is not a number and two texts, or no line
            reaches the margin.
    """
    pair = pair_of(path)
    if pair is None or len(ENGLISH & set(pair)) != 1:
        raise DataError(
            f"{path}: its name does not say which side is English",
            "Name it as WikiMatrix does: WikiMatrix.en-sw.tsv.gz.",
        )
    english_first = pair[0] in ENGLISH
    language = row_language(path, source)
    least = MARGIN if source.margin is None else source.margin
    best = -math.inf
    for number, line in lines(path):
        where = f"{path}:{number}"
        score, first, second = cells_of(line, ("margin", *pair), where)
        margin = _number(score, where)
        best = max(best, margin)
        if margin >= least:
            english, other = (first, second) if english_first else (second, first)
            yield number, Translation(english, other, language)
    if best < least:
        raise DataError(
            f"{path}: no pair reaches the margin {least:g}; the best has {best:g}", "Lower the source's `margin`."
        )


def _number(cell: str, where: str) -> float:
    """Return the margin of a cell."""
    try:
        margin = float(cell)
    except ValueError:
        margin = math.nan
    if not math.isfinite(margin):
        raise DataError(f"{where}: {cell[:40]!r} is no margin score", "A line is margin<TAB>first<TAB>second.")
    return margin


FORMAT = Format(
    name="wikimatrix",
    summary="A margin score and the two sides of a translation; the file's name says which is English.",
    read={"parallel": read_translations},
    guess=lambda path: path.name.lower().startswith("wikimatrix."),
)
