"""The plan: which subsets, what of them is scored already, and which texts have no vector yet.

Everything that can be refused is refused here, before the first text is encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product

import numpy as np
from numpy.typing import NDArray

from harness._util import fingerprint
from harness._util.fingerprint import Digests
from harness.encoders.protocols import EncoderInfo, Role
from harness.engine.encode import missing
from harness.engine.store import EmbeddingStore
from harness.engine.texts import Passages, Questions, Texts
from harness.errors import DataError, UsageError
from harness.metrics import COMMON, parse
from harness.results.schema import SubsetResult
from harness.sources.collection import Collection
from harness.sources.source import Source
from harness.tasks.selection import Selected

#: Part of every identity; raised when the meaning of a score changes.
PROTOCOL_VERSION = 1

#: Part of the identity of what finds by itself, and of fusions and rerankings; raised when hits of such models change
#: and those of vectors do not. 2: their ties at the cut are decided by id (docs/decisions/0014).
SEARCHER_VERSION = 2

#: Passages retrieved for each query.
DEPTH = 100

#: Texts in memory at a time when somebody wants to see them all.
_BLOCK = 4096

#: The split that options are tuned on.
DEV = "dev"


class Overwrite(StrEnum):
    """What to do about results that are there already."""

    ONLY_MISSING = "only-missing"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True)
class Job:
    """One subset to be scored, with its text; `dev` is the same subset on its dev split, where something is tuned."""

    selected: Selected
    collection: Collection
    dev: Job | None = None

    @property
    def measures(self) -> tuple[str, ...]:
        """The task's own measures, then the common ranking measures where there are judgements."""
        common = COMMON if self.collection.qrels else ()
        return tuple(dict.fromkeys((*self.selected.task.metrics, *common)))

    def identity(self, info: EncoderInfo, limit: int | None) -> str:
        """SHA-256 of everything the scores depend on."""
        return fingerprint.of_json(
            {
                "protocol": PROTOCOL_VERSION,
                "task": [self.selected.task.name, self.selected.task.version, self.selected.subset.name],
                "split": self.selected.split,
                "template": self.selected.task.passage_template,
                **({"lowercase": self.selected.task.lowercase} if self.selected.task.lowercase else {}),
                "measures": self.measures,
                "depth": DEPTH,
                "data": self.collection.fingerprint,
                "encoder": info.fingerprint,
                "dtype": info.dtype,
                "normalized": info.normalized or info.similarity == "cosine",
                "prompts": dict(info.prompts),
                "limit": limit,
                **({"searcher": SEARCHER_VERSION} if info.dim == 0 else {}),
                **({"dev": self.dev.collection.fingerprint} if self.dev else {}),
            }
        )

    def texts(self, role: Role) -> Texts:
        """All texts of one role as the encoder reads them."""
        task, subset = self.selected.task, self.selected.subset
        if role == "query":
            return Questions(self.collection.queries, subset.query_language, task.lowercase)
        return Passages(self.collection.corpus, task.passage_template, subset.passage_language, task.lowercase)


@dataclass(frozen=True)
class PlannedJob:
    """A job and what is known of it: an up-to-date result, or how many texts it has to encode."""

    job: Job
    done: SubsetResult | None
    queries_to_encode: int
    passages_to_encode: int

    @property
    def to_encode(self) -> int:
        """Texts of this job that have no vector and that no earlier job of the plan will encode."""
        return self.queries_to_encode + self.passages_to_encode


def check_tunable(selected: Iterable[Selected]) -> None:
    """Raise UsageError unless each of `selected` has a dev split, and is not scored on it."""
    for choice in selected:
        if choice.split == DEV:
            raise UsageError(
                f"{choice.label} is scored on its dev split, and alpha=dev would be chosen on the same queries",
                "Give a number: -o mrtydi.alpha=0.5.",
            )
        if DEV not in choice.task.splits_of(choice.subset.name):
            raise UsageError(
                f"{choice.label} has no dev split here, on which alpha=dev could choose",
                "Give a number: -o mrtydi.alpha=0.5.",
            )


def load_jobs(source: Source, selected: Iterable[Selected], limit: int | None, *, tuned: bool = False) -> list[Job]:
    """Read every selected subset, and its dev split too where something is `tuned` on that.

    Raises one DataError that lists every subset that is malformed.
    """
    jobs: list[Job] = []
    problems: dict[str, str | None] = {}
    for choice in selected:
        for measure in choice.task.metrics:
            parse(measure)
        try:
            dev = _job(source, replace(choice, split=DEV), limit) if tuned else None
            jobs.append(replace(_job(source, choice, limit), dev=dev))
        except DataError as error:
            problems.setdefault(error.message, error.hint)
    if problems:
        shown = list(problems.items())[:10]
        hints = [hint for _, hint in shown if hint]
        more = f"\n… and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise DataError("\n".join(message for message, _ in shown) + more, hints[0] if hints else None)
    return jobs


def _job(source: Source, choice: Selected, limit: int | None) -> Job:
    return Job(choice, source.load(choice).limited(limit))


def plan_texts(
    jobs: Sequence[Job],
    done: Sequence[SubsetResult | None],
    store: EmbeddingStore | None,
    encoders: Sequence[EncoderInfo],
) -> list[PlannedJob]:
    """Count, for each job, the texts that `encoders` must encode; a text that several jobs share counts for the first.

    Where something is tuned, the dev split of a job is part of it. `store` is None where nothing has vectors.
    """
    planned: list[PlannedJob] = []
    seen: dict[int, Digests] = {}  # by space: what earlier jobs of the plan will have encoded
    for job, result in zip(jobs, done, strict=True):
        counts: dict[Role, int] = {"query": 0, "passage": 0}
        if result is None and store is not None:
            for info in encoders:
                for role, _, fresh in _fresh(job, store, info, seen):
                    counts[role] += len(fresh)
        planned.append(PlannedJob(job, result, counts["query"], counts["passage"]))
    return planned


def texts_to_encode(
    planned: Iterable[PlannedJob], store: EmbeddingStore, info: EncoderInfo
) -> Iterator[tuple[Role, list[str]]]:
    """The texts that the encoder of `info` must encode for `planned`, each distinct one once, in blocks of one role."""
    seen: dict[int, Digests] = {}
    for plan in planned:
        if plan.done is None:
            for role, texts, fresh in _fresh(plan.job, store, info, seen):
                for start in range(0, len(fresh), _BLOCK):
                    yield role, texts.take(fresh[start : start + _BLOCK])


def _fresh(
    job: Job, store: EmbeddingStore, info: EncoderInfo, seen: dict[int, Digests]
) -> Iterator[tuple[Role, Texts, NDArray[np.int64]]]:
    """(role, texts, positions (m,) of those without a vector) of `job` and its dev split; `seen` grows by them."""
    roles: tuple[Role, ...] = ("query", "passage")
    for part, role in product(filter(None, (job, job.dev)), roles):
        texts = part.texts(role)
        space = store.space(info, role, texts.language)
        fresh = missing(space, texts.digests)
        known = seen.get(id(space), texts.digests[:0])
        fresh = fresh[~np.isin(texts.digests[fresh], known)]
        seen[id(space)] = np.union1d(known, texts.digests[fresh])
        yield role, texts, fresh
