"""MIRACL v1.0: passages in numbered shards, topics and judgements as tab-separated files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.results.trec import read_qrels
from harness.sources.collection import Asked
from harness.sources.corpus_cache import Passage
from harness.sources.official.layout import Advance, Files, HubFile, Layout, Part
from harness.sources.official.trec_files import judged, read_json_passages, read_topics
from harness.sources.tree import TreeFile
from harness.tasks.miracl import MIRACL
from harness.tasks.model import Subset

#: The revision after which German and Yoruba are there.
_PASSAGES = ("miracl/miracl-corpus", "d921ec7e349ce0d28daf30b2da9da5ee698bef0d")
#: A commit that both repositories have: the second is a clone of the first for those who have no token. That German
#: and Yoruba are in its tree is told by its loading script; the tree itself was not seen (UNVERIFIED).
_ASKED_AT = "1ecb6ae1374172f4b3cfd2cc1c5e29247e1b2a93"


class Miracl(Layout):
    """The two repositories of MIRACL, and the topics and judgements that anserini ships."""

    task = MIRACL
    format = (
        'passages `{"docid", "title", "text"}` as JSON lines in shards numbered from 0; topics '
        "`id<TAB>query`; judgements `id<TAB>Q0<TAB>passage<TAB>grade`"
    )

    def parts(self, subset: Subset, split: str) -> tuple[Part, ...]:
        """Passages, topics and judgements of one language."""
        shards = f"miracl-corpus-v1.0-{subset.name}/docs-[0-9]*.jsonl"
        folder = f"miracl-v1.0-{subset.name}"
        topics, qrels = f"topics.{folder}-{split}.tsv", f"qrels.{folder}-{split}.tsv"
        return (
            Part("corpus", (f"{shards}*",), (HubFile(*_PASSAGES, f"{shards}.gz"),), many=True),
            Part("queries", (f"{folder}/topics/{topics}", f"{topics}*"), _origins(f"{folder}/topics/{topics}")),
            Part("qrels", (f"{folder}/qrels/{qrels}", f"{qrels}*"), _origins(f"{folder}/qrels/{qrels}")),
        )

    def read_passages(self, subset: Subset, files: Sequence[TreeFile], advance: Advance) -> Iterator[Passage]:
        """Passages of all shards, in the order of their numbers."""
        return read_json_passages(files, advance)

    def read_asked(self, subset: Subset, split: str, files: Files) -> Asked:
        """Every judged topic; all of them are, and passages judged irrelevant are kept."""
        (queries,), (qrels,) = files["queries"], files["qrels"]
        return judged(read_topics(queries), read_qrels(qrels), qrels)


def _origins(path: str) -> tuple[HubFile, ...]:
    return (HubFile("miracl/miracl", _ASKED_AT, path, gated=True), HubFile("macavaney/miracl-noauth", _ASKED_AT, path))
