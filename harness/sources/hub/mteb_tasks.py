"""Benchmarks that are read through mteb's task classes: paths, revisions and loading are mteb's own.

What mteb has loaded once is kept in our own cache, the corpus converted as every corpus is, queries and judgements as
JSON. Both are of a pinned revision, so that mteb need not be asked, or even imported, a second time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness._util import fingerprint
from harness._util.atomic import write_text
from harness.errors import DataError, UsageError
from harness.sources.collection import Asked, Queries
from harness.sources.corpus import BATCH_ROWS, Corpus
from harness.sources.corpus_cache import CorpusCache, Passage
from harness.sources.hub import clients
from harness.tasks.selection import Selected


@dataclass(frozen=True)
class MtebTask:
    """How one of our tasks is called in mteb: the task's name and each subset's, and the repository that mteb pins."""

    name: str
    repo: str
    revision: str
    subset: Callable[[str], str] = str


_NEUCLIR = {"fa": "fas", "ru": "rus", "zh": "zho"}

#: By the name of our task. Mr.TyDi is not here: mteb's class makes a dictionary of every passage. Belebele is not here:
#: it is one small file a language, read as published.
MTEB_TASKS = {
    "miracl": MtebTask("MIRACLRetrieval", "mteb/MIRACLRetrieval", "9c09abc13478308c27598f350e31d8f06b9b5481"),
    "miracl-hard-negatives": MtebTask(
        "MIRACLRetrievalHardNegatives",
        "mteb/MIRACLRetrievalHardNegatives",
        "d7d94fa4b946cec4a27c84653aa0cf6b33f74a3c",
    ),
    "neuclir-2022-monolingual": MtebTask(
        "NeuCLIR2022Retrieval",
        "mteb/NeuCLIR2022Retrieval",
        "95cad8671c1c31908766a689755c307f4770411f",
        _NEUCLIR.__getitem__,
    ),
}


class MtebCopy:
    """One subset of mteb's copy of a benchmark, on one split."""

    def __init__(self, selected: Selected, cache: Path, corpora: CorpusCache) -> None:
        self._known = MTEB_TASKS[selected.task.name]
        self._label, self._split = selected.label, selected.split
        self._subset = self._known.subset(selected.subset.name)
        self._corpora = corpora
        key = [self._known.repo, self._known.revision, self._subset]
        self._corpus_key = ["mteb-2", *key]
        self._kept = cache / "hub" / f"asked-{fingerprint.of_json([*key, self._split])[:24]}.json"

    def __str__(self) -> str:
        return f"{self._known.repo}@{self._known.revision[:8]}"

    @property
    def origin(self) -> str:
        """Repository and whole revision."""
        return f"{self._known.repo}@{self._known.revision}"

    def asked(self) -> Asked:
        """Queries and judgements. Raises DataError with what to do."""
        asked = _read(self._kept)
        if asked is None:
            asked = self._read_asked()
            _write(self._kept, asked)
        return asked

    def corpus(self) -> Corpus:
        """The passages, converted on first use. Raises DataError with what to do."""
        return self._corpora.corpus(self._corpus_key, self._read_passages)

    def files(self) -> tuple[Path, ...]:
        """Where both are kept; nothing where one of them is missing."""
        corpus = self._corpora.held(self._corpus_key)
        if corpus is None or _read(self._kept) is None:
            return ()
        return corpus / "passages.arrow", self._kept

    @cached_property
    def _data(self) -> dict[str, Any]:
        """The subset as mteb loads it, which fetches only that: its corpus is a memory-mapped dataset."""
        known = self._known
        try:
            task = clients.mteb().get_task(known.name, hf_subsets=[self._subset], eval_splits=[self._split])
            task.metadata.dataset.update(path=known.repo, revision=known.revision)  # whatever version is installed
            with clients.quiet():
                task.load_data()
            data: dict[str, Any] = task.dataset[self._subset][self._split]
        except UsageError:
            raise
        except Exception as error:  # of mteb, datasets, the hub's client or the HTTP library below it
            raise clients.explained(error, known.repo, known.revision, self._label) from error
        for part in (data["corpus"], data["queries"]):
            self._check_revision(part)
        return data

    def _check_revision(self, table: Any) -> None:
        """Where the hub cannot be reached, `datasets` takes what is in its cache, of whichever revision."""
        for file in getattr(table, "cache_files", None) or ():
            found = Path(file["filename"]).parent.name
            if len(found) == len(self._known.revision) and found != self._known.revision:
                raise clients.not_cached(
                    f"dataset {self._known.repo} at revision {self._known.revision[:8]}", self._label
                )

    def _read_asked(self) -> Asked:
        qrels = self._data["relevant_docs"]
        texts: dict[str, str] = {}
        for row in self._data["queries"]:
            query, text = row["id"], row["text"]
            if not query or not isinstance(text, str) or not text.strip() or query in texts:
                raise DataError(f"{self}: query {query!r} of {self._subset} is empty, or there twice")
            texts[query] = text
        if not texts:
            raise DataError(f"{self}: no judged queries for {self._subset}")
        return Asked(
            Queries(tuple(texts), tuple(texts.values())),
            {query: {str(passage): int(grade) for passage, grade in qrels[query].items()} for query in texts},
        )

    def _read_passages(self) -> Iterator[Passage]:
        row = 0
        for batch in self._data["corpus"].iter(batch_size=BATCH_ROWS):
            titles = batch.get("title") or [None] * len(batch["id"])
            for name, title, text in zip(batch["id"], titles, batch["text"], strict=True):
                row += 1
                if not name or text is None:
                    raise DataError(f"{self}: row {row} of {self._subset}-corpus has no {'text' if name else 'id'}")
                yield Passage(name, title or "", text, f"{self}/{self._subset}-corpus", row)


def _write(path: Path, asked: Asked) -> None:
    """Keep queries and judgements, with what they amount to."""
    queries = dict(zip(asked.queries.ids, asked.queries.texts, strict=True))
    facts = {"queries": queries, "qrels": asked.qrels, "sha256": asked.fingerprint}
    write_text(path, json.dumps(facts, ensure_ascii=False) + "\n")


def _read(path: Path) -> Asked | None:
    """What `_write` has kept; None where it is not there or not whole."""
    try:
        facts = json.loads(path.read_text("utf-8"))
        asked = Asked(Queries(tuple(facts["queries"]), tuple(facts["queries"].values())), facts["qrels"])
        return asked if asked.fingerprint == facts["sha256"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
