"""Mr.TyDi v1.1: one archive a language, `mrtydi-v1.1-<language>.tar.gz`, with passages, topics and judgements.

The hub has the passages as JSON lines, and topics and judgements together in a file for each split. Their texts are
those of the archives, to the character.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness._util.lines import Readable, read_json_lines, string_field, text_field
from harness.errors import DataError
from harness.results.trec import read_qrels
from harness.sources.collection import Asked, Queries
from harness.sources.corpus_cache import Passage
from harness.sources.official.layout import Advance, Files, HubFile, Layout, Part, Url
from harness.sources.official.trec_files import judged, read_json_passages, read_topics
from harness.sources.tree import TreeFile
from harness.tasks.model import Subset
from harness.tasks.mr_tydi import MR_TYDI

_LANGUAGES = {
    "ar": "arabic", "bn": "bengali", "en": "english", "fi": "finnish", "id": "indonesian", "ja": "japanese",
    "ko": "korean", "ru": "russian", "sw": "swahili", "te": "telugu", "th": "thai",
}  # fmt: skip

_ARCHIVES = "https://git.uwaterloo.ca/jimmylin/mr.tydi/-/raw/master/data"
_PASSAGES = ("castorini/mr-tydi-corpus", "4dde1a3240a09e3b1c7579d25f7d26d275078214")
_ASKED = ("castorini/mr-tydi", "bec23fcae5f1545771873972e3d1c92b682861dc")


class MrTyDi(Layout):
    """The archives of Mr.TyDi, packed or unpacked, what the hub has, and the topics that anserini ships."""

    task = MR_TYDI
    format = (
        'passages `{"id", "contents": "title\\n\\ntext"}` as JSON lines; topics `id<TAB>query`; judgements '
        "`id Q0 passage grade`"
    )

    def parts(self, subset: Subset, split: str) -> tuple[Part, ...]:
        """Passages, topics and judgements of one language."""
        language, folder = subset.name, f"mrtydi-v1.1-{_LANGUAGES[subset.name]}"
        archive = Url(f"{_ARCHIVES}/{folder}.tar.gz")
        passages = (HubFile(*_PASSAGES, f"{folder}/corpus.jsonl.gz"), archive)
        asked = (HubFile(*_ASKED, f"{folder}/{split}.jsonl.gz"), archive)
        together = f"{folder}/{split}.jsonl*"
        topics = (f"{folder}/topic.{split}.tsv", f"{folder}/ir-format-data/topics.{split}.txt", together)
        qrels = (f"{folder}/qrels.{split}.txt", f"{folder}/ir-format-data/qrels.{split}.txt", together)
        return (
            Part("corpus", (f"{folder}/collection/docs.jsonl*", f"{folder}/corpus.jsonl*"), passages),
            Part("queries", (*topics, f"topics.mrtydi-v1.1-{language}.{split}.txt*"), asked),
            Part("qrels", (*qrels, f"qrels.mrtydi-v1.1-{language}.{split}.txt*"), asked),
        )

    def read_passages(self, subset: Subset, files: Sequence[TreeFile], advance: Advance) -> Iterator[Passage]:
        """Passages of `collection/docs.jsonl.gz` (title, blank line and text in one field) or of `corpus.jsonl.gz`."""
        return read_json_passages(files, advance)

    def read_asked(self, subset: Subset, split: str, files: Files) -> Asked:
        """Every judged topic; all of them are."""
        (queries,), (qrels,) = files["queries"], files["qrels"]
        topics = _read_questions(queries)[0] if _is_json(queries) else read_topics(queries)
        judgements = _read_questions(qrels)[1] if _is_json(qrels) else read_qrels(qrels)
        return judged(topics, judgements, qrels)


def _is_json(file: TreeFile) -> bool:
    return file.name.removesuffix(".gz").endswith(".jsonl")


def _read_questions(file: Readable) -> tuple[Queries, dict[str, dict[str, int]]]:
    """Topics and judgements of the hub's file for a split: a topic in each line, with its relevant passages."""
    texts: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    for number, row in read_json_lines(file):
        where = f"{file}:{number}"
        query = string_field(row, "query_id", where)
        if query in texts:
            raise DataError(f"{where}: topic {query!r} is there twice")
        texts[query] = text_field(row, "query", where)
        positive = row.get("positive_passages")
        if not isinstance(positive, list) or not positive or not all(isinstance(p, dict) for p in positive):
            raise DataError(f"{where}: 'positive_passages' must be a list of passages with a 'docid', one at least")
        qrels[query] = {string_field(passage, "docid", where): 1 for passage in positive}
    if not texts:
        raise DataError(f"{file}: no topics in it")
    return Queries(tuple(texts), tuple(texts.values())), qrels
