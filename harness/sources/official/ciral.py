"""CIRAL v1.0: English topics, judgements, and news passages in four African languages.

The files are read as trec_eval and the authors' own tools read them. Seventeen topics are quoted as a spreadsheet would
quote them; they are kept so, because published runs have searched with the quotes. The topics that were translated
into the language of the passages (`-native`) are another task, and are not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.results.trec import read_qrels
from harness.sources.collection import Asked
from harness.sources.corpus_cache import Passage
from harness.sources.official.layout import Advance, Files, HubFile, Layout, Part
from harness.sources.official.trec_files import judged, read_json_passages, read_topics
from harness.sources.tree import TreeFile
from harness.tasks.low_resource import CIRAL
from harness.tasks.model import Subset

_LANGUAGES = {"ha": "hausa", "so": "somali", "sw": "swahili", "yo": "yoruba"}

_ASKED = ("CIRAL/ciral", "1a46efc4d45d0e3756656695ed2994dfce9254fc")
#: After "Updated Swahili and Somali" of June 2023, which took 188,015 Somali and 32,645 Swahili passages away.
_PASSAGES = ("CIRAL/ciral-corpus", "cbaa143f9213f971b0692d00c8665187868842ae")


class Ciral(Layout):
    """The two repositories of CIRAL, and the topics and judgements that anserini ships."""

    task = CIRAL
    format = (
        'passages `{"docid", "title", "text"}` as JSON lines; topics `id<TAB>query`; judgements '
        "`id<TAB>Q0<TAB>passage<TAB>grade`"
    )

    def parts(self, subset: Subset, split: str) -> tuple[Part, ...]:
        """Passages in one language, English topics and their judgements."""
        code = subset.passage_language
        # Its other folder, translated-passages-v1.0, has files of the same names.
        passages = f"passages-v1.0/{_LANGUAGES[code]}_passages.jsonl"
        topics = f"topics.ciral-v1.0-{code}-{split.removesuffix('-pools')}.tsv"
        qrels = f"qrels.ciral-v1.0-{code}-{split}.tsv"
        folder = f"ciral-{_LANGUAGES[code]}"
        return (
            Part("corpus", (f"{passages}*",), (HubFile(*_PASSAGES, passages),)),
            Part(
                "queries", (f"{folder}/topics/{topics}", f"{topics}*"), (HubFile(*_ASKED, f"{folder}/topics/{topics}"),)
            ),
            Part("qrels", (f"{folder}/qrels/{qrels}", f"{qrels}*"), (HubFile(*_ASKED, f"{folder}/qrels/{qrels}"),)),
        )

    def read_passages(self, subset: Subset, files: Sequence[TreeFile], advance: Advance) -> Iterator[Passage]:
        """Passages of one language."""
        return read_json_passages(files, advance)

    def read_asked(self, subset: Subset, split: str, files: Files) -> Asked:
        """Every judged topic that has a text: Swahili's test-b judges one passage, as irrelevant, for topic 23, which
        was never published.
        """
        (queries,), (qrels,) = files["queries"], files["qrels"]
        topics, judgements = read_topics(queries), read_qrels(qrels)
        known = set(topics.ids)
        possible = {q: grades for q, grades in judgements.items() if q in known or max(grades.values()) > 0}
        return judged(topics, possible, qrels)
