"""Belebele: one file a language variant, `<variant>.jsonl`, with a passage and a question in every line.

Passages, queries and their ids are those of mteb's BelebeleRetrieval: passages are told apart by their link and
counted in the order of the passages' file, questions are told apart by their words and counted in the order of the
questions' file, and a question's passage is the one with its link. Ids are counted, so that ties fall as they do there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness._util.lines import Readable, read_json_lines, string_field, text_field
from harness.errors import DataError
from harness.sources.collection import Asked, Queries
from harness.sources.corpus_cache import Passage
from harness.sources.official.layout import Advance, Files, HubFile, Layout, Part, Url
from harness.sources.tree import TreeFile
from harness.tasks.belebele import BELEBELE
from harness.tasks.model import Subset

#: The authors' files, and the copy that mteb scores (UNVERIFIED: that its files have the same names).
_HUB = (
    ("facebook/belebele", "75b399394a9803252cfec289d103de462763db7c"),
    ("mteb/belebele", "979a211276faa22f671e69d096634193567cfd05"),
)
_ARCHIVE = Url("https://dl.fbaipublicfiles.com/belebele/Belebele.zip")


class Belebele(Layout):
    """The files of Belebele, in its archive, unpacked, or as the hub has them below `data`."""

    task = BELEBELE
    format = 'JSON lines `{"link", "flores_passage", "question", …}`, 900 for each variant'

    def parts(self, subset: Subset, split: str) -> tuple[Part, ...]:
        """Questions in one language, passages in another; which belong together is told by the links of both."""
        passages = _file_of(subset.passage_language)
        queries = _file_of(subset.query_language)
        return Part("corpus", *passages), Part("queries", *queries), Part("qrels", *passages)

    def read_passages(self, subset: Subset, files: Sequence[TreeFile], advance: Advance) -> Iterator[Passage]:
        """The distinct passages. Raises DataError with file and line."""
        (file,) = files
        count = 0
        for line, row in _distinct(file, advance):
            yield Passage(f"C{count}", "", text_field(row, "flores_passage", f"{file}:{line}"), file, line)
            count += 1
        if not count:
            raise DataError(f"{file}: no passages in it")

    def read_asked(self, subset: Subset, split: str, files: Files) -> Asked:
        """The distinct questions, each relevant to every passage it was asked about. Raises DataError."""
        (asked,), (passages,) = files["queries"], files["qrels"]
        numbers = {row["link"]: n for n, (_, row) in enumerate(_distinct(passages, None))}
        ids: dict[str, str] = {}
        qrels: dict[str, dict[str, int]] = {}
        for line, row in read_json_lines(asked):
            where = f"{asked}:{line}"
            link, question = string_field(row, "link", where), text_field(row, "question", where)
            if link not in numbers:
                raise DataError(f"{where}: asks about {link!r}, which is not in {passages}")
            query = ids.setdefault(question, f"Q{len(ids)}")
            qrels.setdefault(query, {})[f"C{numbers[link]}"] = 1
        if not ids:
            raise DataError(f"{asked}: no questions in it")
        return Asked(Queries(tuple(ids.values()), tuple(ids)), qrels)


def _file_of(language: str) -> tuple[tuple[str, ...], tuple[HubFile | Url, ...]]:
    """Names and origins of one language's file."""
    file = f"{language}.jsonl"
    # UNVERIFIED: whether the archive has a folder `Belebele` in it; the file is found with one and without.
    names = (f"Belebele/{file}", f"Belebele*/{file}", f"Belebele*/*/{file}", f"belebele*/{file}", f"data/{file}")
    return names, (*(HubFile(*origin, f"data/{file}") for origin in _HUB), _ARCHIVE)


def _distinct(file: Readable, advance: Advance | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines with a link that no line before them had. What is said of a passage later is not looked at."""
    links: set[str] = set()
    for line, row in read_json_lines(file, advance):
        row["link"] = string_field(row, "link", f"{file}:{line}")
        if row["link"] not in links:
            links.add(row["link"])
            yield line, row
