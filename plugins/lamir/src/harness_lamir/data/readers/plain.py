"""Plain text.

* `text`: a text a line.
* `document`: a sentence a line, a blank line between documents.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import DataError
from harness_lamir.data.readers.formats import Format, Numbered, row_language
from harness_lamir.data.rows import Document, Text
from harness_lamir.data.text import lines

if TYPE_CHECKING:
    from harness_lamir.recipe import Source

__all__ = ["FORMAT", "read_documents", "read_texts"]


def read_texts(path: Path, source: Source) -> Numbered:
    """Yield a `Text` a line. Raises DataError where the source wants a column, of which there are none."""
    if source.column is not None:
        raise DataError(
            f"{path}: source {source.name!r} sets a `column`, and plain text has none",
            "Remove `column`, or set `format: tsv`.",
        )
    language = row_language(path, source)
    for number, line in lines(path):
        yield number, Text(line.strip(), language)


def read_documents(path: Path, source: Source) -> Numbered:
    """Yield a `Document` for each block of two lines or more; one sentence has no context and is left out.

    A row's line is the first of its document. Raises DataError where no document has two sentences.
    """
    language = row_language(path, source)
    begin = last = 0
    sentences: list[str] = []
    empty = True
    for number, line in lines(path):
        if number > last + 1:  # blank lines are counted and not given
            if len(sentences) > 1:
                empty = False
                yield begin, Document(tuple(sentences), language)
            sentences = []
        if not sentences:
            begin = number
        sentences.append(line.strip())
        last = number
    if len(sentences) > 1:
        empty = False
        yield begin, Document(tuple(sentences), language)
    if empty:
        raise DataError(
            f"{path}: no document of two sentences or more",
            "Write a sentence a line, and a blank line after a document.",
        )


FORMAT = Format(
    name="plain",
    summary="Plain text: a text a line; for documents, a sentence a line and a blank line between documents.",
    read={"text": read_texts, "document": read_documents},
    suffixes=(".txt",),
)
