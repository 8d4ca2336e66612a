"""The public API: load an encoder, plan a run, carry it out.

>>> import harness
>>> evaluation = harness.evaluate("hashing", select=harness.Selection(tasks=("miracl/sw",)))
>>> print(evaluation.to_frame())
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness._util.folders import cache_at, cache_root
from harness._util.progress import NO_PROGRESS, Progress
from harness.encoders.compose import share_options
from harness.encoders.protocols import Forecasting, Reranker, Searcher
from harness.engine.compose import Model, encoders, leaves
from harness.engine.execute import Outcome, Reporter, Silent, execute
from harness.engine.load import LoadedEncoder, Rerank, prepare
from harness.engine.plan import Overwrite, PlannedJob, check_tunable, load_jobs, plan_texts, texts_to_encode
from harness.engine.record import Recorder
from harness.engine.store import EmbeddingStore
from harness.plugins.manager import Registry
from harness.results.schema import EncoderCard
from harness.sources.opening import open_source
from harness.sources.source import Source
from harness.tasks import Task, all_tasks
from harness.tasks import selection as choosing
from harness.tasks.selection import Selection

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Evaluation",
    "LoadedEncoder",
    "Plan",
    "Rerank",
    "Settings",
    "check_options",
    "evaluate",
    "list_tasks",
    "load_encoder",
    "plan",
    "share_options",
]


@dataclass(frozen=True)
class Settings:
    """Where a run keeps things and how it behaves.

    `output` receives result files, `runs` rankings where they are wanted, and `cache` what can be made again:
    embeddings and converted corpora (None: the user's cache folder, or $HARNESS_CACHE).
    """

    output: Path = Path("results")
    cache: Path | None = None
    overwrite: Overwrite = Overwrite.ONLY_MISSING
    fail_fast: bool = False
    runs: Path | None = None


@dataclass(frozen=True)
class Plan:
    """Everything decided before the first text is encoded; `evaluate` carries it out, `--dry-run` prints it.

    `forecasts` are sentences of encoders that cost more than time: how much.
    """

    loaded: LoadedEncoder
    source: Source
    jobs: tuple[PlannedJob, ...]
    selection: Selection
    settings: Settings
    store: EmbeddingStore | None = field(repr=False)
    forecasts: tuple[str, ...] = ()

    @property
    def to_encode(self) -> int:
        """Distinct texts that have no vector yet."""
        return sum(planned.to_encode for planned in self.jobs)

    @property
    def notices(self) -> tuple[str, ...]:
        """What a user must know of the data before trusting a score, a sentence for each subset concerned."""
        return tuple(dict.fromkeys(p.job.collection.notice for p in self.jobs if p.job.collection.notice))


@dataclass(frozen=True)
class Evaluation:
    """What a run gave: an outcome for each subset, and the files that hold them."""

    encoder: EncoderCard
    source: str
    outcomes: tuple[Outcome, ...]
    paths: tuple[Path, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Outcomes whose subset failed."""
        return tuple(outcome for outcome in self.outcomes if outcome.result.status == "failed")

    def rows(self) -> list[dict[str, Any]]:
        """One plain dictionary for each subset: encoder, task, subset, split, status, metrics, counts, error."""
        return [_row(self.encoder, outcome) for outcome in self.outcomes]

    def to_frame(self) -> pd.DataFrame:
        """One row for each subset, one column for each metric."""
        import pandas as pd

        rows = [{**row, **row["metrics"]} for row in self.rows()]
        return pd.DataFrame(rows).drop(columns=["metrics", "counts", "error", "reused"], errors="ignore")


def list_tasks() -> tuple[Task, ...]:
    """Every declared task."""
    return all_tasks()


def load_encoder(
    name: str,
    options: Mapping[str, Any] | None = None,
    *,
    rerank: str | Rerank | Reranker | None = None,
    registry: Registry | None = None,
) -> LoadedEncoder:
    """Load the encoder called `name` (or `distribution:name`) with `options`, or the composition that it describes.

    Raises UsageError when there is none, when two distributions claim the name, when an option is wrong, or when the
    plugin cannot load it.
    """
    return prepare(name, options, rerank=rerank, registry=registry).load()


def check_options(
    name: str,
    options: Mapping[str, Any],
    *,
    rerank: str | Rerank | Reranker | None = None,
    source: Source | None = None,
    select: Selection | None = None,
    registry: Registry | None = None,
) -> None:
    """Raise UsageError when there is no encoder `name` or it does not take `options`; loads and reads nothing.

    With a `source`, also where an option is to be chosen on the dev split of what `select` names, and cannot be.
    """
    prepared = prepare(name, options, rerank=rerank, registry=registry)
    if prepared.is_tuned and source is not None:
        check_tunable(choosing.select(source.tasks(), select or Selection()))


def plan(
    encoder: str | Model | LoadedEncoder,
    *,
    options: Mapping[str, Any] | None = None,
    rerank: str | Rerank | Reranker | None = None,
    source: str | Source = "pocket",
    select: Selection | None = None,
    settings: Settings | None = None,
    registry: Registry | None = None,
    progress: Progress = NO_PROGRESS,
) -> Plan:
    """Decide what to run: select subsets, read and check their text, load the encoder, look for what is there.

    `encoder` is a registered name, an expression over names such as `rrf(bm25, lamir)`, or an object that satisfies
    `Encoder` or `Searcher`; `rerank` names what reorders its hits. Options of a plain name are given by their keys, all
    others by `part.key`. Selection and data come before the encoder, so that a typing mistake costs no model loading.
    `progress` is told of long reading. Raises UsageError, DataError or NothingSelectedError; nothing is written but
    converted corpora, in the cache.
    """
    selection, settings = select or Selection(), settings or Settings()
    prepared = prepare(encoder, options, rerank=rerank, registry=registry)
    opened = open_source(source, cache=settings.cache, progress=progress) if isinstance(source, str) else source
    selected = choosing.select(opened.tasks(), selection)
    if prepared.is_tuned:
        check_tunable(selected)
    jobs = load_jobs(opened, selected, selection.limit, tuned=prepared.is_tuned)
    with cache_at(settings.cache):
        loaded = prepared.load()
    infos = encoders(loaded.model)
    store = EmbeddingStore(cache_root(settings.cache) / "embeddings") if infos else None
    results = _recorder(opened, loaded.card, selection, settings)
    done = [results.done(job, loaded.model) for job in jobs]
    planned = tuple(plan_texts(jobs, done, store, infos))
    return Plan(loaded, opened, planned, selection, settings, store, _forecasts(loaded.model, planned, store))


def evaluate(
    encoder: str | Model | LoadedEncoder | Plan,
    *,
    options: Mapping[str, Any] | None = None,
    rerank: str | Rerank | Reranker | None = None,
    source: str | Source = "pocket",
    select: Selection | None = None,
    settings: Settings | None = None,
    registry: Registry | None = None,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Run an encoder zero-shot through the selected subsets and write its results.

    Takes what `plan` takes, or a plan. A subset that fails is an outcome with status `failed`, not an exception.
    """
    decided = (
        encoder
        if isinstance(encoder, Plan)
        else plan(
            encoder,
            options=options,
            rerank=rerank,
            source=source,
            select=select,
            settings=settings,
            registry=registry,
        )
    )
    results = _recorder(decided.source, decided.loaded.card, decided.selection, decided.settings)
    waiting = decided.jobs
    if decided.settings.overwrite is Overwrite.NEVER:
        waiting = tuple(planned for planned in waiting if planned.done is not None)
    with cache_at(decided.settings.cache):
        outcomes = execute(
            waiting,
            decided.loaded.model,
            decided.store,
            limit=decided.selection.limit,
            sink=results,
            reporter=reporter or Silent(),
            fail_fast=decided.settings.fail_fast,
        )
    paths = dict.fromkeys(results.path(outcome.job) for outcome in outcomes)
    return Evaluation(decided.loaded.card, decided.source.name, tuple(outcomes), tuple(paths))


def _forecasts(model: Model, planned: Sequence[PlannedJob], store: EmbeddingStore | None) -> tuple[str, ...]:
    """What encoders say that their part of the plan will take, where they have something to say and something to do."""
    if store is None or not any(plan.to_encode for plan in planned):
        return ()
    return tuple(
        leaf.forecast(texts_to_encode(planned, store, leaf.info))
        for leaf in leaves(model)
        if isinstance(leaf, Forecasting) and not isinstance(leaf, Searcher)
    )


def _recorder(source: Source, card: EncoderCard, selection: Selection, settings: Settings) -> Recorder:
    return Recorder(source, card, selection, output=settings.output, overwrite=settings.overwrite, runs=settings.runs)


def _row(encoder: EncoderCard, outcome: Outcome) -> dict[str, Any]:
    selected, result = outcome.job.selected, outcome.result
    return {
        "encoder": encoder.name,
        "task": selected.task.name,
        "subset": selected.subset.name,
        "split": selected.split,
        "status": result.status,
        "metrics": result.metrics,
        "counts": result.counts.model_dump() if result.counts else {},
        "error": result.error,
        "reused": outcome.reused,
    }
