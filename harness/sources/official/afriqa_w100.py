"""AfriQA over Wikipedia: the questions of `queries.afriqa.<language>.<pivot>.<split>.json`, passages of 100 words.

An answer is found where a passage in the pivot language, English or French, holds the answer in that language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness._util.lines import Readable, read_json_lines, string_field, text_field
from harness.errors import DataError
from harness.sources.collection import Asked
from harness.sources.corpus_cache import Passage
from harness.sources.official.afriqa import afriqa_file
from harness.sources.official.layout import Advance, Files, HubFile, Layout, Part
from harness.sources.official.questions import Question, answerable, distinct
from harness.sources.official.w100 import W100_KEY, read_w100
from harness.sources.tree import TreeFile
from harness.tasks.low_resource import AFRIQA_W100
from harness.tasks.model import Subset

_PASSAGES = "masakhane/afriqa_wiki_en_fr_100"
_REVISION = "6f33416ffe420b5c2f2ea0d9f36cb2b090c66483"
_CORPORA = {"en": ("english", "enwiki-20220501"), "fr": ("french", "frwiki-20220420")}

#: Of questions that nobody could answer. The benchmark's evaluation counts them, as not found: no passage has an answer
#: to them. An empty answer is found nowhere.
_UNANSWERED = ("",)


class AfriQaW100(Layout):
    """The files of masakhane-io/afriqa with questions, and its Wikipedia passages on the hub."""

    task = AFRIQA_W100
    format = (
        'questions `{"id", "question", "translated_answer", …}` and passages `{"docid", "text", "title"}` as '
        "JSON lines, or passages `id<TAB>text<TAB>title`"
    )

    def parts(self, subset: Subset, split: str) -> tuple[Part, ...]:
        """Questions of one language, and one corpus for each pivot language."""
        names, origins = afriqa_file("queries", "queries", subset, split)
        language, dump = _CORPORA[subset.passage_language]
        folder = f"masakhane_wiki_100-{language}"
        corpus = (f"{folder}/corpus.jsonl", f"{folder}/corpus.jsonl.gz", f"{dump}.tsv", f"{dump}.tsv.gz")
        return (
            Part("corpus", corpus, (HubFile(_PASSAGES, _REVISION, f"{folder}/corpus.jsonl"),)),
            Part("queries", names, origins),
            Part("qrels", names, origins),
        )

    def corpus_key(self, subset: Subset) -> str:
        """One corpus for all languages with the same pivot."""
        return W100_KEY

    def read_passages(self, subset: Subset, files: Sequence[TreeFile], advance: Advance) -> Iterator[Passage]:
        """Passages of 100 words, as JSON lines on the hub and tab-separated out of the benchmark's own scripts."""
        return read_w100(files, advance)

    def read_asked(self, subset: Subset, split: str, files: Files) -> Asked:
        """Every question, those without an answer included."""
        (file,) = files["queries"]
        return answerable(distinct(_questions(file), file), file, "questions")


def _questions(file: Readable) -> Iterator[Question]:
    for number, row in read_json_lines(file):
        where = f"{file}:{number}"
        answer = _answer(text_field(row, "translated_answer", where), where)
        answers = (answer,) if answer.strip() else _UNANSWERED
        yield Question(string_field(row, "id", where), text_field(row, "question", where), answers, number)


def _answer(given: str, where: str) -> str:
    """The one answer in a string such as `['Ishyaka ry'Abaturage']`; none in `[]`.

    It is what a list of Python looks like and none: quotes in the answer stand bare, so that no parser reads it.
    """
    if given == "[]":
        return ""
    if len(given) < 4 or not given.startswith("['") or not given.endswith("']"):
        raise DataError(f"{where}: an answer is written ['like this'], not {given!r:.80}")
    return given[2:-2]
