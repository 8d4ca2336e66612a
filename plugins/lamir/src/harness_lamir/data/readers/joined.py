"""One meaning in several languages, out of translations of the same English sentences.

Each file is `english<TAB>other`, named after its language, as for `parallel`; rows of all files with an equal English
side are one row. TICO-19 is such a source: the same sentences in 36 languages.

The one reader that holds text: a sentence may stand anywhere in any file, so nothing is known before all are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import DataError
from harness_lamir.data.readers.formats import Format, Numbered, cells_of, row_language
from harness_lamir.data.rows import Multiway
from harness_lamir.data.text import lines

if TYPE_CHECKING:
    from harness_lamir.recipe import Source

__all__ = ["FORMAT", "join", "read_one"]


def join(paths: Sequence[Path], source: Source) -> Numbered:
    """Yield a `Multiway` for each English sentence, English first and the others in the order of the files.

    Where a file has a sentence twice, its first translation is taken. A row's line is that of the first file which
    has the sentence.

    Raises:
        DataError: a line is not two filled columns, or the source sets one language for all files.
    """
    if source.language is not None:
        raise DataError(
            f"source {source.name!r}: its files are of several languages, and `language` makes them one",
            "Remove `language`; files are named after their own.",
        )
    found: dict[str, tuple[int, dict[str, str]]] = {}
    for path in paths:
        language = row_language(path, source)
        if language == "en":
            raise DataError(f"{path}: named after English, which every file is of", "Leave it out of `files`.")
        for number, line in lines(path):
            english, other = cells_of(line, ("english", "other"), f"{path}:{number}")
            found.setdefault(english, (number, {"en": english}))[1].setdefault(language, other)
    for number, texts in found.values():
        yield number, Multiway(tuple(texts.values()), tuple(texts))


def read_one(path: Path, source: Source) -> Numbered:
    """Yield a `Multiway` of English and one language a line: `join` of one file."""
    return join([path], source)


FORMAT = Format(
    name="joined",
    summary="Parallel files of several languages, joined where their English sides are equal.",
    read={"multiway": read_one},
    join=join,
)
