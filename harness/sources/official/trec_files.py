"""Readers that several benchmarks share: topics, what judgements leave of them, passages as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness._util.lines import (
    Readable,
    optional_text_field,
    read_json_lines,
    read_lines,
    string_field,
    text_field,
)
from harness._util.names import did_you_mean
from harness.errors import DataError
from harness.sources.collection import Asked, Queries
from harness.sources.corpus_cache import Passage
from harness.sources.official.layout import Advance
from harness.sources.tree import TreeFile


def read_topics(file: Readable) -> Queries:
    """Topics `qid<TAB>query`, without a header. Raises DataError with file and line."""
    texts: dict[str, str] = {}
    for number, line in read_lines(file):
        query, tab, text = line.partition("\t")
        if not tab or not query.strip() or not text.strip():
            raise DataError(f"{file}:{number}: a topic id, a tab and a query are expected")
        if query in texts:
            raise DataError(f"{file}:{number}: topic {query!r} is there twice")
        texts[query] = text
    if not texts:
        raise DataError(f"{file}: no topics in it")
    return Queries(tuple(texts), tuple(texts.values()))


def judged(topics: Queries, qrels: dict[str, dict[str, int]], file: Readable) -> Asked:
    """The topics that `qrels` judges, in their order. Raises DataError for judgements of an unknown topic."""
    known = set(topics.ids)
    if unknown := next((query for query in qrels if query not in known), None):
        line = next((number for number, line in read_lines(file) if line.split()[0] == unknown), 1)
        raise DataError(f"{file}:{line}: judges topic {unknown!r}, which is not among the topics")
    return Asked(topics.keep(set(qrels)), {query: qrels[query] for query in topics.ids if query in qrels})


def read_json_passages(files: Sequence[TreeFile], advance: Advance, *, blank: bool = False) -> Iterator[Passage]:
    """Passages as JSON lines, under either pair of names: id and contents ("title", blank line, text), or docid, title
    and text. An empty text is kept where its title is not (MIRACL's shortest passages are three characters of title and
    text together); with `blank`, so is a passage with neither. Raises DataError with file and line.
    """
    for file in files:
        for number, row in read_json_lines(file, advance):
            where = f"{file}:{number}"
            if "contents" in row:
                contents = text_field(row, "contents", where)
                title, gap, text = contents.partition("\n\n")
                if not gap:
                    title, text = "", contents
                yield Passage(string_field(row, "id" if "id" in row else "docid", where), title, text, file, number)
                continue
            if "text" not in row:
                raise DataError(f"{where}: no 'text' field", did_you_mean("text", row))
            title = optional_text_field(row, "title", where)
            text = optional_text_field(row, "text", where)
            if not blank and not text.strip() and not title.strip():
                raise DataError(f"{where}: a passage with neither title nor text")
            name = next((key for key in ("docid", "_id", "id") if key in row), "docid")
            yield Passage(string_field(row, name, where), title, text, file, number)
