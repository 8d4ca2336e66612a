"""XOR-Retrieve: one file of questions in seven languages, and one English Wikipedia for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness._util.lines import Readable, read_json_lines, string_field, text_field
from harness.errors import DataError
from harness.metrics.xor import scored_answers
from harness.sources.collection import Asked
from harness.sources.corpus_cache import Passage
from harness.sources.official.layout import Advance, Files, HubFile, Layout, Part, Url
from harness.sources.official.questions import Question, answerable, distinct, strings_field
from harness.sources.official.w100 import W100_KEY, read_w100
from harness.sources.tree import TreeFile
from harness.tasks.model import Subset
from harness.tasks.xor_tydi import XOR_TYDI

_SITE = "https://nlp.cs.washington.edu/xorqa/XORQA_site/data"
_CORPUS = "enwiki_20190201_w100.tsv"


class XorTydi(Layout):
    """The files of the XOR QA site. Answers of the test split are not public."""

    task = XOR_TYDI
    format = (
        'questions `{"id", "question", "answers": […], "lang"}` as JSON lines; passages '
        "`id<TAB>text<TAB>title`, quoted as csv does or not at all, with that header or none"
    )

    def parts(self, subset: Subset, split: str) -> tuple[Part, ...]:
        """The same files for every language. v1.0 of the questions, without `_v1_1` in its name, is another set."""
        questions = f"xor_{split}_retrieve_eng_span_v1_1.jsonl"
        names = (questions, f"{questions}.gz")
        origins = (
            HubFile("Tevatron/xor-tydi", "main", f"{split}/{questions}"),  # UNVERIFIED: no pinned revision is known
            Url(f"{_SITE}/{questions}"),
        )
        return (
            Part("corpus", (_CORPUS, f"{_CORPUS}.gz"), (Url(f"{_SITE}/models/{_CORPUS}"),)),
            Part("queries", names, origins),
            Part("qrels", names, origins),
        )

    def corpus_key(self, subset: Subset) -> str:
        """One corpus for all languages."""
        return W100_KEY

    def read_passages(self, subset: Subset, files: Sequence[TreeFile], advance: Advance) -> Iterator[Passage]:
        """Passages of 100 words."""
        return read_w100(files, advance)

    def read_asked(self, subset: Subset, split: str, files: Files) -> Asked:
        """The questions in one language that the benchmark's script scores: those with an answer but yes and no."""
        (file,) = files["queries"]
        questions = {q.id: q for q in distinct(_questions(file), file) if q.language == subset.query_language}
        scored = scored_answers({q.id: q.answers for q in questions.values()})
        kept = (q for q in questions.values() if q.id in scored)
        return answerable(kept, file, f"questions in {subset.query_language!r} with an answer but yes and no")


def _questions(file: Readable) -> Iterator[Question]:
    languages = tuple(subset.query_language for subset in XOR_TYDI.subsets)
    for number, row in read_json_lines(file):
        where = f"{file}:{number}"
        language = string_field(row, "lang", where)
        if language not in languages:
            raise DataError(f"{where}: {language!r:.80} is none of the languages {', '.join(languages)}")
        answers = strings_field(row, "answers", where)
        if "" in answers:  # it would be found in every text
            raise DataError(f"{where}: an empty answer")
        yield Question(string_field(row, "id", where), text_field(row, "question", where), answers, number, language)
