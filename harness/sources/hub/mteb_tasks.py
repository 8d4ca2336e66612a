"""Benchmarks that are read through mteb's task classes: paths, revisions and loading are mteb's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.errors import DataError
from harness.sources.collection import Asked, Queries
from harness.sources.corpus import BATCH_ROWS, Corpus
from harness.sources.corpus_cache import CorpusCache, Passage
from harness.sources.hub.fetch import explained, missing_extra
from harness.tasks.selection import Selected


@dataclass(frozen=True)
class MtebTask:
    """How one of our tasks is called in mteb: the task's name and each subset's, and the repository that mteb pins."""

    name: str
    repo: str
    revision: str
    subset: Callable[[str], str] = str


_NEUCLIR = {"en-fa": "fas", "en-ru": "rus", "en-zh": "zho"}

#: By the name of our task. Mr.TyDi is not here: mteb's copy lacks 160 Japanese passages. Belebele is not here: it is
#: one small file a language, read as published.
MTEB_TASKS = {
    "miracl": MtebTask("MIRACLRetrieval", "mteb/MIRACLRetrieval", "9c09abc13478308c27598f350e31d8f06b9b5481"),
    "miracl-hard-negatives": MtebTask(
        "MIRACLRetrievalHardNegatives",
        "mteb/MIRACLRetrievalHardNegatives",
        "d7d94fa4b946cec4a27c84653aa0cf6b33f74a3c",
    ),
    "neuclir-2022": MtebTask(
        "NeuCLIR2022Retrieval",
        "mteb/NeuCLIR2022Retrieval",
        "95cad8671c1c31908766a689755c307f4770411f",
        _NEUCLIR.__getitem__,
    ),
}


@dataclass(frozen=True)
class Loaded:
    """One subset as mteb loads it: its corpus is a memory-mapped dataset."""

    asked: Asked
    passages: Any
    key: tuple[str, str, str]

    def corpus(self, corpora: CorpusCache) -> Corpus:
        """The passages, converted on first use."""
        return corpora.corpus(["mteb-1", *self.key], self._read)

    def _read(self) -> Iterator[Passage]:
        place = "@".join(self.key[:2])
        row = 0
        for batch in self.passages.iter(batch_size=BATCH_ROWS):
            titles = batch.get("title") or [""] * len(batch["id"])
            for name, title, text in zip(batch["id"], titles, batch["text"], strict=True):
                row += 1
                yield Passage(str(name), title or "", text, place, row)


def load(selected: Selected) -> Loaded:
    """One subset through mteb's task class, which fetches only that. Raises DataError with what to do."""
    known = MTEB_TASKS[selected.task.name]
    subset = known.subset(selected.subset.name)
    task = _mteb().get_task(known.name, hf_subsets=[subset], eval_splits=[selected.split])
    repo, revision = known.repo, known.revision
    task.metadata.dataset.update(path=repo, revision=revision)  # whatever version of mteb is installed
    try:
        task.load_data()
        data = task.dataset[subset][selected.split]
    except Exception as error:  # of mteb, datasets, the hub's client or the HTTP library below it
        raise explained(error, repo, revision) from error
    queries, qrels = data["queries"], data["relevant_docs"]
    texts = {str(row["id"]): str(row["text"]) for row in queries}
    if not texts:
        raise DataError(f"{repo}@{revision[:8]}: no judged queries for {subset}")
    asked = Asked(
        Queries(tuple(texts), tuple(texts.values())),
        {query: {str(passage): int(grade) for passage, grade in qrels[query].items()} for query in texts},
    )
    return Loaded(asked, data["corpus"], (repo, revision, subset))


def _mteb() -> Any:
    try:
        import mteb
    except ImportError as error:
        raise missing_extra() from error
    return mteb
