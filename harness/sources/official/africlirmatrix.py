"""AfriCLIRMatrix v1.0: titles of English Wikipedia articles against articles in fifteen African languages.

Topics and judgements are on GitHub under the three-letter codes of the languages, articles on the hub under their
names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness._util.lines import read_json_lines, string_field, text_field
from harness.results.trec import read_qrels
from harness.sources.collection import Asked
from harness.sources.corpus_cache import Passage
from harness.sources.official.layout import Advance, Files, HubFile, Layout, Part, Url
from harness.sources.official.trec_files import judged, read_topics
from harness.sources.tree import TreeFile
from harness.tasks.low_resource import AFRICLIRMATRIX
from harness.tasks.model import Subset

_LANGUAGES = {
    "afr": "afrikaans", "amh": "amharic", "ary": "moroccan_arabic", "arz": "egyptian_arabic", "hau": "hausa",
    "ibo": "igbo", "nso": "northern_sotho", "sna": "shona", "som": "somali", "swa": "swahili", "tir": "tigrinya",
    "twi": "twi", "wol": "wolof", "yor": "yoruba", "zul": "zulu",
}  # fmt: skip

_ARTICLES = ("castorini/africlirmatrix", "f94e826e12c3589ff908d338492211a4ebabe7a9")
_GITHUB = "https://raw.githubusercontent.com/castorini/africlirmatrix/29941eca075cc5488f1260af54165b3e6a2282d5"


class AfriClirMatrix(Layout):
    """The repositories of AfriCLIRMatrix on GitHub and on the hub."""

    task = AFRICLIRMATRIX
    format = 'articles `{"id", "contents"}` as JSON lines; topics `id<TAB>query`; judgements `id Q0 article grade`'

    def parts(self, subset: Subset, split: str) -> tuple[Part, ...]:
        """Articles in one language, English titles as topics, and their judgements."""
        code = subset.passage_language
        corpus = f"africlirmatrix-v1.0-{_LANGUAGES[code]}/corpus.jsonl"
        topics, qrels = f"topics.africlirmatrix-v1.0.en.{code}.tsv", f"qrels.africlirmatrix-v1.0.en.{code}.txt"
        return (
            Part("corpus", (f"{corpus}*",), (HubFile(*_ARTICLES, corpus),)),
            Part("queries", (f"{split}/queries/{topics}", f"{topics}*"), (Url(f"{_GITHUB}/{split}/queries/{topics}"),)),
            Part("qrels", (f"{split}/qrels/{qrels}", f"{qrels}*"), (Url(f"{_GITHUB}/{split}/qrels/{qrels}"),)),
        )

    def read_passages(self, subset: Subset, files: Sequence[TreeFile], advance: Advance) -> Iterator[Passage]:
        """Articles without titles. A blank line is part of their text, not the end of a title as in Mr.TyDi."""
        for file in files:
            for number, row in read_json_lines(file, advance):
                where = f"{file}:{number}"
                yield Passage(string_field(row, "id", where), "", text_field(row, "contents", where), file, number)

    def read_asked(self, subset: Subset, split: str, files: Files) -> Asked:
        """Every judged topic; of Igbo's thousand those are the half. Grades are 4, 5 and 6."""
        (queries,), (qrels,) = files["queries"], files["qrels"]
        return judged(read_topics(queries), read_qrels(qrels), qrels)
