"""MKQA in Contriever's protocol: questions in 26 languages, English answers, English Wikipedia.

Which questions count is what `data_scripts/preprocess_xmkqa.py` of facebookresearch/contriever (commit 39fb220) does,
order included: it goes through the English answers, collects aliases and text of those whose type is kept, and keeps
the question when the *last* of them was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness._util.lines import Readable, read_json_lines, string_field, text_field
from harness.errors import DataError
from harness.sources.collection import Asked
from harness.sources.corpus_cache import Passage
from harness.sources.official.layout import Advance, Files, Layout, Part, Url
from harness.sources.official.questions import Question, answerable, distinct, strings_field
from harness.sources.official.w100 import W100_KEY, read_w100
from harness.sources.tree import TreeFile
from harness.tasks.low_resource import MKQA
from harness.tasks.model import Subset

_QUESTIONS = "mkqa.jsonl"
_CORPUS = "psgs_w100.tsv"

_DROPPED = ("unanswerable", "binary", "long_answer")
_TYPES = ("entity", "date", "number", "number_with_unit", "short_phrase", *_DROPPED)


class Mkqa(Layout):
    """Apple's one file of questions, and the Wikipedia of DPR."""

    task = MKQA
    format = (
        'questions `{"example_id", "queries": {…}, "answers": {…}}` as JSON lines; passages '
        "`id<TAB>text<TAB>title` as csv writes them"
    )

    def parts(self, subset: Subset, split: str) -> tuple[Part, ...]:
        """The same files for every language."""
        names = (f"dataset/{_QUESTIONS}.gz", f"{_QUESTIONS}.gz", _QUESTIONS)
        questions = (Url(f"https://raw.githubusercontent.com/apple/ml-mkqa/master/dataset/{_QUESTIONS}.gz"),)
        corpus = (Url(f"https://dl.fbaipublicfiles.com/dpr/wikipedia_split/{_CORPUS}.gz"),)
        return (
            Part("corpus", (f"{_CORPUS}.gz", _CORPUS), corpus),
            Part("queries", names, questions),
            Part("qrels", names, questions),
        )

    def corpus_key(self, subset: Subset) -> str:
        """One corpus for all languages."""
        return W100_KEY

    def read_passages(self, subset: Subset, files: Sequence[TreeFile], advance: Advance) -> Iterator[Passage]:
        """Passages of 100 words."""
        return read_w100(files, advance)

    def read_asked(self, subset: Subset, split: str, files: Files) -> Asked:
        """The questions with a short answer, in one language; their answers are the English ones."""
        (file,) = files["queries"]
        questions = distinct(_questions(file, subset.query_language), file)
        return answerable((q for q in questions if q.answers), file, "questions with a short answer")


def _questions(file: Readable, language: str) -> Iterator[Question]:
    """Every question in `language`, those that do not count without answers."""
    for number, row in read_json_lines(file):
        where = f"{file}:{number}"
        text = text_field(_object(row, "queries", where), language, where)
        answers = _object(row, "answers", where).get("en")
        if not isinstance(answers, list) or not answers:
            raise DataError(f"{where}: no list of English answers")
        yield Question(string_field(row, "example_id", where), text, _answers(answers, where), number)


def _answers(answers: list[Any], where: str) -> tuple[str, ...]:
    """The texts that count as an answer; none where the question does not count."""
    texts: list[str] = []
    kept = False
    for answer in answers:
        kind = answer.get("type") if isinstance(answer, dict) else None
        if kind not in _TYPES:
            raise DataError(f"{where}: {kind!r:.80} is no type of answer; those are {', '.join(_TYPES)}")
        kept = kind not in _DROPPED
        if kept:
            texts += strings_field(answer, "aliases", where) if "aliases" in answer else ()
            texts.append(text_field(answer, "text", where))
    return tuple(texts) if kept else ()


def _object(row: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    value = row.get(key)
    if not isinstance(value, dict):
        raise DataError(f"{where}: {key!r} must be an object, not {type(value).__name__}")
    return value
