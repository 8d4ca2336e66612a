"""NeuCLIR 2022: English topics against news in Persian, Russian and Chinese.

One file has the topics of all languages, and one the judgements of all: its second column is the language. A topic
counts for the languages that judge it, which are fewer than those it was written for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness._util.lines import Readable, read_json_lines, string_field, text_field
from harness.errors import DataError
from harness.results.trec import read_qrels
from harness.sources.collection import Asked, Queries
from harness.sources.corpus_cache import Passage
from harness.sources.official.layout import Advance, Files, HubFile, Layout, Part, Url
from harness.sources.official.trec_files import judged, read_json_passages
from harness.sources.tree import TreeFile
from harness.tasks.model import Subset
from harness.tasks.neuclir import NEUCLIR

_LANGUAGES = {"fa": "fas", "ru": "rus", "zh": "zho"}

_NIST = "https://trec.nist.gov/data/neuclir/2022"
_TOPICS, _QRELS = "topics.0720.utf8.jsonl", "2022-qrels"


class NeuClir(Layout):
    """The files of NIST and of the organizers' hub repository."""

    task = NEUCLIR
    format = (
        'documents `{"id", "title", "text"}` and topics `{"topic_id", "topics": […]}` as JSON lines; '
        "judgements `id language document grade`"
    )

    def parts(self, subset: Subset, split: str) -> tuple[Part, ...]:
        """Documents in one language, and the topics and judgements of all."""
        code = _LANGUAGES[subset.passage_language]
        packed = f"data/{code}-00000-of-00001.jsonl.gz"
        return (
            Part(
                "corpus",
                (f"neuclir1/{code}/docs.jsonl*", f"{code}-00000-of-00001.jsonl*"),
                # UNVERIFIED: the file was on main when ir_datasets noted its hash; no revision with it was seen.
                (HubFile("neuclir/neuclir1", "main", packed), Url("https://ir.nist.gov/neuclir/neuclir1.tar.gz")),
            ),
            Part("queries", (f"{_TOPICS}*",), (Url(f"{_NIST}/{_TOPICS}"),)),
            Part("qrels", (f"{_QRELS}.all*", f"{_QRELS}.{code}*"), (Url(f"{_NIST}/{_QRELS}.all"),)),
        )

    def read_passages(self, subset: Subset, files: Sequence[TreeFile], advance: Advance) -> Iterator[Passage]:
        """Documents of one language; the Russian and Chinese collections have some without any text."""
        return read_json_passages(files, advance, blank=True)

    def read_asked(self, subset: Subset, split: str, files: Files) -> Asked:
        """The topics that are judged in the language of the documents."""
        (queries,), (qrels,) = files["queries"], files["qrels"]
        judgements = read_qrels(qrels, iteration=_LANGUAGES[subset.passage_language])
        return judged(_read_topics(queries), judgements, qrels)


def _read_topics(file: Readable) -> Queries:
    """English title and description of every topic, with a space between them: a query of the track's main task."""
    texts: dict[str, str] = {}
    for number, row in read_json_lines(file):
        where = f"{file}:{number}"
        topic = string_field(row, "topic_id", where)
        if topic in texts:
            raise DataError(f"{where}: topic {topic!r} is there twice")
        english = _english(row, where)
        texts[topic] = " ".join(text_field(english, f"topic_{field}", where) for field in ("title", "description"))
    if not texts:
        raise DataError(f"{file}: no topics in it")
    return Queries(tuple(texts), tuple(texts.values()))


def _english(row: dict[str, Any], where: str) -> dict[str, Any]:
    """The one version of a topic that is in English; the others are translations of it."""
    versions = row.get("topics")
    versions = versions if isinstance(versions, list) else []
    found = [version for version in versions if isinstance(version, dict) and version.get("lang") == "eng"]
    if len(found) != 1:
        raise DataError(f"{where}: 'topics' must hold one version with 'lang' eng, not {len(found)}")
    return found[0]
