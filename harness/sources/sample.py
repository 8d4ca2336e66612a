"""A smaller corpus for any task: every judged passage and a seeded sample of the others.

Which others are taken depends on the seed and on each passage's id alone, by hash: neither the order of a corpus nor a
library's random numbers move it, and a sample of 1,000 holds the sample of 100. Scores on it are higher than on the
full corpus and are kept apart as a variant of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from harness._util import fingerprint
from harness._util.progress import NO_PROGRESS, Progress
from harness.errors import UsageError
from harness.sources.collection import Asked, Collection
from harness.sources.corpus import Corpus
from harness.sources.corpus_cache import CorpusCache, Passage
from harness.sources.source import Source
from harness.tasks.model import Task
from harness.tasks.selection import Selected

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SampledSource:
    """A source whose corpora are sampled."""

    def __init__(
        self, source: Source, others: int, *, seed: int, corpora: CorpusCache, progress: Progress = NO_PROGRESS
    ) -> None:
        if others < 0 or seed < 0:
            raise UsageError(f"a sample of {others} passages with seed {seed}: neither may be negative")
        self._source = source
        self._others = others
        self._seed = seed
        self._corpora = corpora
        self._progress = progress
        self.name = source.name
        self.revision = source.revision
        sample = f"sample-{others}" + (f"-seed-{seed}" if seed else "")
        self.variant = "-".join(part for part in (source.variant, sample) if part)
        self._title = f"judged passages and a sample of {others:,}" + (f", seed {seed}" if seed else "")

    def tasks(self) -> tuple[Task, ...]:
        """The tasks of the source, without the passage counts of their full corpora."""
        return tuple(replace(task, passages={}, title=f"{task.title} ({self._title})") for task in self._source.tasks())

    def asked(self, selected: Selected) -> Asked:
        """As the source has it."""
        return self._source.asked(selected)

    def load(self, selected: Selected) -> Collection:
        """One subset on its judged passages and the sample."""
        full = self._source.load(selected)
        judged = sorted({passage for grades in full.qrels.values() for passage in grades})
        key = ["sample-1", full.corpus.fingerprint, self._others, self._seed, fingerprint.of_strings(judged)]

        def passages() -> Iterator[Passage]:
            with self._progress.task(f"sampling {selected.label}", len(full.corpus)) as advance:
                kept = sample(full.corpus, judged, self._others, self._seed)
                for start, batch in full.corpus.batches():
                    rows = kept[(kept >= start) & (kept < start + batch.num_rows)] - start
                    table = batch.take(rows)
                    columns = (table.column(name).to_pylist() for name in ("id", "title", "text"))
                    yield from map(Passage, *columns)
                    advance(batch.num_rows)

        return replace(full, corpus=self._corpora.corpus(key, passages))


def sample(corpus: Corpus, judged: list[str], others: int, seed: int) -> NDArray[np.int64]:
    """The positions, ascending, of the `judged` passages and of the `others` passages that come first by hash."""
    import numpy as np

    always = np.array(sorted(corpus.find(judged).values()), dtype=np.int64)
    salt = f"{seed}:".encode()
    order = np.fromiter(
        (
            int.from_bytes(hashlib.blake2b(salt + name.encode(), digest_size=8).digest(), "big")
            for name in corpus.column("id")
        ),
        dtype=np.uint64,
        count=len(corpus),
    )
    order[always] = np.iinfo(np.uint64).max
    available = min(others, len(corpus) - len(always))
    first = np.argsort(order, kind="stable")[:available]
    return np.sort(np.concatenate([always, first]))
