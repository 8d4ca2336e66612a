"""XTREME-UP retrieval: one archive, `xtreme-up-v1.1.jsonl.tgz`, with an index and files of questions for each of two
tasks, in-language and cross-lingual.

    retrieval_in_lang/index.jsonl           {"id", "title", "context"}: the candidates of all languages and splits
    retrieval_in_lang/test/sw.jsonl         {"id", "title", "context", "question"}: `id` is the candidate to be found
    retrieval_cross_lang/...                likewise, with English candidates

A question has no id of its own and the official script goes by the order of lines, so its number is its id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness._util.lines import optional_text_field, read_json_lines, string_field, text_field
from harness.errors import DataError
from harness.sources.collection import Asked, Queries
from harness.sources.corpus_cache import Passage
from harness.sources.official.layout import Advance, Files, Layout, Part, Url
from harness.sources.tree import TreeFile
from harness.tasks.model import Subset
from harness.tasks.xtreme_up import XTREME_UP

_ROOT = "xtreme_up_v1.1"
_ORIGINS = (Url("https://storage.googleapis.com/xtreme-up/xtreme-up-v1.1.jsonl.tgz"),)
#: The folders of a split: the authors' code says `validation`, code that reads the published files says `dev`.
_FOLDERS = {"dev": ("dev", "validation"), "test": ("test",)}


class XtremeUp(Layout):
    """The archive of XTREME-UP, packed or unpacked."""

    task = XTREME_UP
    format = (
        'candidates `{"id", "title", "context"}` and questions `{"id", "question", …}` as JSON lines; the id '
        "of a question is that of its candidate"
    )

    def parts(self, subset: Subset, split: str) -> tuple[Part, ...]:
        """The index of a task, and one file with both questions and their candidates."""
        task = f"retrieval_{'cross' if subset.name.endswith('-en') else 'in'}_lang"
        index = _names(f"{task}/index.jsonl")
        asked = _names(*(f"{task}/{folder}/{subset.query_language}.jsonl" for folder in _FOLDERS[split]))
        return Part("corpus", index, _ORIGINS), Part("queries", asked, _ORIGINS), Part("qrels", asked, _ORIGINS)

    def read_passages(self, subset: Subset, files: Sequence[TreeFile], advance: Advance) -> Iterator[Passage]:
        """The candidates of an index. Raises DataError with file and line."""
        (file,) = files
        number = 0
        for number, row in read_json_lines(file, advance):
            where = f"{file}:{number}"
            title = optional_text_field(row, "title", where)
            yield Passage(string_field(row, "id", where), title, text_field(row, "context", where), file, number)
        if not number:
            raise DataError(f"{file}: no passages in it")

    def read_asked(self, subset: Subset, split: str, files: Files) -> Asked:
        """Every question, repeated ones too, and the one candidate that answers it. Raises DataError."""
        (file,) = files["queries"]
        texts: list[str] = []
        relevant: list[str] = []
        for number, row in read_json_lines(file):
            where = f"{file}:{number}"
            relevant.append(string_field(row, "id", where))
            texts.append(text_field(row, "question", where))
        if not texts:
            raise DataError(f"{file}: no questions in it")
        ids = tuple(str(number) for number in range(1, len(texts) + 1))
        return Asked(Queries(ids, tuple(texts)), {i: {gold: 1} for i, gold in zip(ids, relevant, strict=True)})


def _names(*paths: str) -> tuple[str, ...]:
    """The paths below the archive's folder, then below any."""
    return tuple(name for path in paths for name in (f"{_ROOT}/{path}", path))
