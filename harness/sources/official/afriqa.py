"""AfriQA with gold passages: one file for each language and split, with questions and the passages that answer them.

`gold_span_passages.afriqa.<language>.<pivot>.<split>.json` is JSON lines for all its name. It is queries, judgements
and corpus at once: the corpus is the distinct passages of the file, and a question is judged on its own. Questions
without a passage (`context` is null) are not asked. A passage is called after the line in which it first stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from harness._util.lines import Readable, optional_text_field, read_json_lines, string_field, text_field
from harness.errors import DataError
from harness.sources.collection import Asked, Queries
from harness.sources.corpus_cache import Passage
from harness.sources.official.layout import Advance, Files, Layout, Part, Url
from harness.sources.tree import TreeFile
from harness.tasks.low_resource import AFRIQA
from harness.tasks.model import Subset

REPOSITORY = "https://raw.githubusercontent.com/masakhane-io/afriqa/main"

_ISO_639_3 = {"ha": "hau", "ig": "ibo", "rw": "kin", "sw": "swa", "tw": "twi", "wo": "wol", "yo": "yor", "zu": "zul"}


def afriqa_file(kind: str, stem: str, subset: Subset, split: str) -> tuple[tuple[str, ...], tuple[Url, ...]]:
    """Names and address of a file in AfriQA's folder `data/<kind>`."""
    language = _ISO_639_3.get(subset.query_language, subset.query_language)
    name = f"{stem}.afriqa.{language}.{subset.passage_language}.{split}.json"
    folder = f"{kind}/{language}"
    return (f"{folder}/{name}", name, f"{name}.gz"), (Url(f"{REPOSITORY}/data/{folder}/{name}"),)


class AfriQa(Layout):
    """The files of masakhane-io/afriqa with gold passages."""

    task = AFRIQA
    format = 'JSON lines with questions and gold passages: `{"id", "question_lang", "context", "title", …}`'

    def parts(self, subset: Subset, split: str) -> tuple[Part, ...]:
        """One file is all three parts."""
        names, origins = afriqa_file("gold_passages", "gold_span_passages", subset, split)
        return Part("corpus", names, origins), Part("queries", names, origins), Part("qrels", names, origins)

    def read_passages(self, subset: Subset, files: Sequence[TreeFile], advance: Advance) -> Iterator[Passage]:
        """The distinct passages; of those with one text, the first and its title."""
        (file,) = files
        for row in _rows(file, advance):
            if row.new:
                yield Passage(row.passage, row.title, row.text, file, row.line)

    def read_asked(self, subset: Subset, split: str, files: Files) -> Asked:
        """The questions that have a gold passage. A question with several has several lines under one id."""
        (file,) = files["queries"]
        asked: dict[str, str] = {}
        qrels: dict[str, dict[str, int]] = {}
        for row in _rows(file):
            if asked.setdefault(row.query, row.question) != row.question:
                raise DataError(f"{file}:{row.line}: question {row.query!r} is there already, and asks something else")
            if row.passage:
                qrels.setdefault(row.query, {})[row.passage] = 1
        if not qrels:
            raise DataError(f"{file}: no question with a gold passage in it")
        return Asked(Queries(tuple(asked), tuple(asked.values())).keep(set(qrels)), qrels)


class _Row(NamedTuple):
    """A question and its gold passage: its id is empty where there is none, and `new` says that it is there first."""

    line: int
    query: str
    question: str
    passage: str
    title: str
    text: str
    new: bool


def _rows(file: Readable, advance: Advance | None = None) -> Iterator[_Row]:
    first: dict[bytes, int] = {}  # digests, not texts
    for number, row in read_json_lines(file, advance):
        where = f"{file}:{number}"
        query, question = string_field(row, "id", where), text_field(row, "question_lang", where)
        title = optional_text_field(row, "title", where)
        if "context" in row and row["context"] is None:
            yield _Row(number, query, question, "", title, "", new=False)
            continue
        text = text_field(row, "context", where)
        line = first.setdefault(blake2b(text.encode("utf-8"), digest_size=16).digest(), number)
        yield _Row(number, query, question, f"p{line}", title, text, new=line == number)
