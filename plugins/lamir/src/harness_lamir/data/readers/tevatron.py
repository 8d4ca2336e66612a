"""Tevatron's JSON lines, which MS MARCO, Mr.TyDi and MIRACL are published in.

    {"query_id": "1", "query": "…", "positive_passages": [{"docid", "title", "text"}], "negative_passages": […]}

Every positive passage gives a pair, with all the negatives of its line.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import DataError
from harness_lamir.data.readers.formats import Format, Numbered, field_of, pair_language, passages_of
from harness_lamir.data.rows import Pair
from harness_lamir.data.text import json_lines

if TYPE_CHECKING:
    from harness_lamir.recipe import Source

__all__ = ["FORMAT", "read_pairs"]


def read_pairs(path: Path, source: Source) -> Numbered:
    """Yield a `Pair` for each positive passage. Raises DataError for a query without any, and for wrong types."""
    for number, record in json_lines(path):
        where = f"{path}:{number}"
        query = field_of(record, "query", where)
        positives = passages_of(record, "positive_passages", where)
        if not positives:
            raise DataError(
                f"{where}: no 'positive_passages'", "Remove the query, or give the passage that answers it."
            )
        negatives = passages_of(record, "negative_passages", where)
        language = pair_language(path, source, record, where)
        for positive in positives:
            yield number, Pair(query, positive, negatives, language)


FORMAT = Format(
    name="tevatron",
    summary="JSON lines of queries with positive and negative passages.",
    read={"ir": read_pairs},
    tells_language=True,
)
