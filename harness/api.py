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

from harness._util.folders import cache_root
from harness._util.names import file_slug
from harness._util.progress import NO_PROGRESS, Progress
from harness.encoders.protocols import Encoder, Searcher
from harness.engine.execute import Outcome, Reporter, Silent, execute
from harness.engine.plan import Overwrite, PlannedJob, load_jobs, plan_texts
from harness.engine.record import Model, Recorder, encoder_card, portable
from harness.engine.store import EmbeddingStore
from harness.errors import UsageError
from harness.plugins.loading import instantiate, validate_options
from harness.plugins.manager import Registry, default_registry
from harness.results.schema import EncoderCard
from harness.sources.opening import open_source
from harness.sources.source import Source
from harness.tasks import Task, all_tasks
from harness.tasks import selection as choosing
from harness.tasks.selection import Selection

if TYPE_CHECKING:
    import pandas as pd


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
class LoadedEncoder:
    """An encoder or searcher ready to run, with the card its results carry."""

    model: Model
    card: EncoderCard


@dataclass(frozen=True)
class Plan:
    """Everything decided before the first text is encoded; `evaluate` carries it out, `--dry-run` prints it."""

    loaded: LoadedEncoder
    source: Source
    jobs: tuple[PlannedJob, ...]
    selection: Selection
    settings: Settings
    store: EmbeddingStore | None = field(repr=False)

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
    name: str, options: Mapping[str, Any] | None = None, *, registry: Registry | None = None
) -> LoadedEncoder:
    """Load the encoder called `name` (or `distribution:name`) with `options`.

    Raises UsageError when there is none, when two distributions claim the name, when an option is wrong, or when the
    plugin cannot load it.
    """
    entry = (registry or default_registry()).encoder(name)
    checked = validate_options(entry, options or {})
    if entry.spec.kind == "reranker":
        raise UsageError(f"{name!r} is a reranker: it reorders what another encoder found and cannot run alone")
    model = instantiate(entry, checked)
    protocol = Encoder if entry.spec.kind == "encoder" else Searcher
    if not isinstance(model, protocol):
        raise UsageError(
            f"{entry.qualified_name!r} declares kind {entry.spec.kind!r}, and what its factory returned is none: "
            f"{type(model).__name__}",
            f"It must satisfy harness.encoders.{protocol.__name__}.",
        )
    trained = model.info.training_datasets  # () is "on nothing", which is an answer; None is not
    return LoadedEncoder(
        model,
        encoder_card(
            model,
            spec=entry.spec.name,
            distribution=entry.distribution,
            version=entry.version,
            kind=entry.spec.kind,
            options={key: portable(value) for key, value in checked.model_dump(mode="json").items()},
            training=entry.spec.training_datasets if trained is None else trained,
        ),
    )


def check_options(name: str, options: Mapping[str, Any], *, registry: Registry | None = None) -> None:
    """Raise UsageError when there is no encoder `name` or it does not take `options`; loads nothing."""
    validate_options((registry or default_registry()).encoder(name), options)


def share_options(options: Mapping[str, Any], encoders: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Options for each encoder: `encoder.key` goes to that encoder, a bare key to the only one there is.

    Raises UsageError for a bare key where several encoders run, or a key for an encoder that does not.
    """
    shared: dict[str, dict[str, Any]] = {name: {} for name in encoders}
    for key, value in options.items():
        name, dot, bare = key.rpartition(".")
        if not dot and len(shared) == 1:
            shared[encoders[0]][key] = value
        elif name in shared:
            shared[name][bare] = value
        else:
            raise UsageError(
                f"option {key!r} names none of the encoders that run ({', '.join(encoders)})",
                f"Write {encoders[0]}.{bare}=… for one of several encoders.",
            )
    return shared


def plan(
    encoder: str | Model | LoadedEncoder,
    *,
    options: Mapping[str, Any] | None = None,
    source: str | Source = "pocket",
    select: Selection | None = None,
    settings: Settings | None = None,
    registry: Registry | None = None,
    progress: Progress = NO_PROGRESS,
) -> Plan:
    """Decide what to run: select subsets, read and check their text, load the encoder, look for what is there.

    `encoder` is a registered name, or an object that satisfies `Encoder` or `Searcher`. Selection and data come
    before the encoder, so that a typing mistake costs no model loading.
    `progress` is told of long reading. Raises UsageError, DataError or NothingSelectedError; nothing is written but
    converted corpora, in the cache.
    """
    selection, settings = select or Selection(), settings or Settings()
    if isinstance(encoder, str):
        check_options(encoder, options or {}, registry=registry)
    opened = open_source(source, cache=settings.cache, progress=progress) if isinstance(source, str) else source
    jobs = load_jobs(opened, choosing.select(opened.tasks(), selection), selection.limit)
    loaded = _loaded(encoder, options, registry)
    store = EmbeddingStore(cache_root(settings.cache) / "embeddings") if isinstance(loaded.model, Encoder) else None
    results = _recorder(opened, loaded.card, selection, settings)
    done = [results.done(job, loaded.model) for job in jobs]
    return Plan(
        loaded,
        opened,
        tuple(plan_texts(jobs, done, store, loaded.model.info)),
        selection,
        settings,
        store,
    )


def evaluate(
    encoder: str | Model | LoadedEncoder | Plan,
    *,
    options: Mapping[str, Any] | None = None,
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
        else plan(encoder, options=options, source=source, select=select, settings=settings, registry=registry)
    )
    results = _recorder(decided.source, decided.loaded.card, decided.selection, decided.settings)
    waiting = decided.jobs
    if decided.settings.overwrite is Overwrite.NEVER:
        waiting = tuple(planned for planned in waiting if planned.done is not None)
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


def _recorder(source: Source, card: EncoderCard, selection: Selection, settings: Settings) -> Recorder:
    return Recorder(source, card, selection, output=settings.output, overwrite=settings.overwrite, runs=settings.runs)


def _loaded(
    encoder: str | Model | LoadedEncoder, options: Mapping[str, Any] | None, registry: Registry | None
) -> LoadedEncoder:
    if isinstance(encoder, LoadedEncoder):
        return encoder
    if isinstance(encoder, str):
        return load_encoder(encoder, options, registry=registry)
    if options:
        raise UsageError("options go with the name of an encoder, not with an encoder object")
    if not isinstance(encoder, (Encoder, Searcher)):
        raise UsageError(f"{type(encoder).__name__} is neither an Encoder nor a Searcher")
    kind = "encoder" if isinstance(encoder, Encoder) else "searcher"
    card = encoder_card(
        encoder,
        spec=file_slug(encoder.info.name),
        distribution="(object)",
        version="",
        kind=kind,
        options={},
        training=encoder.info.training_datasets,
    )
    return LoadedEncoder(encoder, card)


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
