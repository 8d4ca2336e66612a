"""A JSON object on every line; keys that are not named here are left alone.

* `ir`: `query`, `positive`, and perhaps `title` (the positive's) and `negatives`: passages, each a text or
  `{"title"?, "text"}`.
* `text`: `text`.
* `document`: `sentences`, in order, or `text`, which is then split (`data.sentences`).
* `triplet`: `query`, `english`, `other`.

`language` says what language a row is in, whatever the source and the file's name say.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DataError
from harness_lamir.data.readers.formats import (
    Format,
    Numbered,
    characters,
    field_of,
    pair_language,
    passage,
    passages_of,
    row_language,
    title_of,
)
from harness_lamir.data.rows import Document, Pair, Text, Triplet
from harness_lamir.data.sentences import split
from harness_lamir.data.text import json_lines

if TYPE_CHECKING:
    from harness_lamir.recipe import Source

__all__ = ["FORMAT", "read_documents", "read_pairs", "read_texts", "read_triplets"]


def read_pairs(path: Path, source: Source) -> Numbered:
    """Yield a `Pair` a line. Raises DataError for a key that is missing or of a wrong type."""
    for number, record in json_lines(path):
        where = f"{path}:{number}"
        if "positive" not in record and "positive_passages" in record:
            raise DataError(f"{where}: this is Tevatron's format", "Set `format: tevatron` of the source.")
        query, positive = field_of(record, "query", where), field_of(record, "positive", where)
        title = title_of(record, where)
        negatives = passages_of(record, "negatives", where)
        yield number, Pair(query, passage(title, positive), negatives, pair_language(path, source, record, where))


def read_texts(path: Path, source: Source) -> Numbered:
    """Yield a `Text` a line. Raises DataError for a text that is missing or no text."""
    for number, record in json_lines(path):
        where = f"{path}:{number}"
        yield number, Text(field_of(record, "text", where), row_language(path, source, record, where))


def read_documents(path: Path, source: Source) -> Numbered:
    """Yield a `Document` for each line of two sentences or more; one sentence has no context and is left out.

    Raises:
        DataError: there are no sentences in a line, one is no text, or no line has two.
    """
    empty = True
    for number, record in json_lines(path):
        where = f"{path}:{number}"
        sentences = _sentences(record, where)
        if len(sentences) > 1:
            empty = False
            yield number, Document(sentences, row_language(path, source, record, where))
    if empty:
        raise DataError(f"{path}: no document of two sentences or more", "Remove it from the recipe.")


def read_triplets(path: Path, source: Source) -> Numbered:
    """Yield a `Triplet` a line. Raises DataError for a key that is missing or of a wrong type."""
    for number, record in json_lines(path):
        where = f"{path}:{number}"
        query, english, other = (field_of(record, key, where) for key in ("query", "english", "other"))
        yield number, Triplet(query, english, other, row_language(path, source, record, where))


def _sentences(record: dict[str, Any], where: str) -> tuple[str, ...]:
    """The sentences of a record."""
    if "sentences" not in record:
        return split(field_of(record, "text", where))
    found = record["sentences"]
    if not isinstance(found, list) or not found:
        raise DataError(f"{where}: 'sentences' must be a list of texts", 'Write {"sentences": ["…", "…"]}.')
    for index, sentence in enumerate(found):
        if not isinstance(sentence, str) or not sentence.strip():
            raise DataError(
                f"{where}: sentences[{index}] must be a text that is not blank, not {sentence!r:.60}",
                "Correct the sentence, or remove it.",
            )
    return tuple(characters(sentence, "a sentence", where) for sentence in found)


FORMAT = Format(
    name="jsonl",
    summary="A JSON object on every line.",
    read={"ir": read_pairs, "text": read_texts, "document": read_documents, "triplet": read_triplets},
    suffixes=(".jsonl",),
    tells_language=True,
)
