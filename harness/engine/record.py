"""What a run records: the cards of encoder and task, and the result files that grow subset by subset."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness._util import fingerprint
from harness._util.names import file_slug
from harness.encoders.protocols import EncoderInfo
from harness.engine.compose import Model
from harness.engine.plan import Job, Overwrite
from harness.engine.runs import RunFolder
from harness.engine.scoring import Ranking
from harness.results.provenance import provenance
from harness.results.schema import AverageCard, EncoderCard, ResultFile, SubsetResult, TaskCard
from harness.results.store import ResultStore
from harness.sources.source import Source
from harness.tasks.model import Task
from harness.tasks.selection import Selection


class Recorder:
    """The result files of one run: which file a job belongs to, what is in it, and adding to it."""

    def __init__(
        self,
        source: Source,
        card: EncoderCard,
        selection: Selection,
        *,
        output: Path,
        overwrite: Overwrite,
        runs: Path | None = None,
    ) -> None:
        self._source = source
        self._card = card
        self._overwrite = overwrite
        self._limit = selection.limit
        self._split = selection.split
        self._store = ResultStore(output)
        self._runs = RunFolder(runs, output) if runs is not None else None
        self._restated: set[Path] = set()  # files that say of training data what the card says

    def path(self, job: Job) -> Path:
        """The file `job` belongs to."""
        return self._store.path(
            source=self._source.name,
            task=job.selected.task.name,
            variant=self._variant(job),
            split=job.selected.split,
            encoder=self._card.name,
            fingerprint=self._card.fingerprint,
            dtype=self._card.dtype,
            limit=self._limit,
        )

    def _task_card(self, job: Job) -> TaskCard:
        """The card of the task of `job`; its title says when the text is not what the task declares."""
        task, variant = job.selected.task, job.collection.variant
        if variant:
            task = replace(task, title=f"{task.title} ({variant} data)")
        return task_card(task, self._source, self._variant(job), self._split)

    def _variant(self, job: Job) -> str:
        """What sets the text of `job` apart from what its task declares."""
        return "-".join(part for part in (self._source.variant, job.collection.variant) if part)

    def done(self, job: Job, model: Model) -> SubsetResult | None:
        """The result of `job` that is there and still true; failures are tried again.

        Where rankings are asked for, a result without its run file is not enough.
        """
        if self._overwrite is Overwrite.ALWAYS:
            return None
        if self._runs is not None and not self._runs.holds(job, self.path(job), self._tag(job)):
            return None
        file = self._store.read(self.path(job))
        result = file.subsets.get(job.selected.subset.name) if file else None
        if result is None or result.status == "failed" or result.identity != job.identity(model.info, self._limit):
            return None
        return result

    def reuse(self, job: Job) -> None:
        """Leave the result of `job` as it is; what is stated of training data now replaces what its file says of it."""
        path = self.path(job)
        if path in self._restated or self._overwrite is Overwrite.NEVER:
            return
        self._restated.add(path)
        file = self._store.read(path)
        if file is not None and _restated(file, self._card) != file:
            self._store.update(path, lambda now: _restated(now or file, self._card))

    def keep(self, job: Job, ranking: Ranking) -> None:
        """Write the ranking of `job` where rankings are asked for."""
        if self._runs is not None:
            self._runs.write(job, self.path(job), ranking, self._tag(job))

    def _tag(self, job: Job) -> str:
        """The encoder and what it ranked: a run file of other data must not be taken for that of a result."""
        task, card = job.selected.task, self._card
        ranked = [job.collection.fingerprint, task.version, task.passage_template, task.lowercase]
        return f"{file_slug(card.name)}-{fingerprint.of_json([*ranked, card.fingerprint, card.prompts])[:8]}"

    def write(self, job: Job, result: SubsetResult) -> None:
        """Add `result` to the file of `job`, atomically."""
        card = self._task_card(job)
        order = [s.name for s in job.selected.task.subsets]

        def grown(file: ResultFile | None) -> ResultFile:
            kept = file.subsets if file and _same(file.task, card) and _same(file.encoder, self._card) else {}
            subsets = {**kept, job.selected.subset.name: result}
            return ResultFile(
                task=card,
                split=job.selected.split,
                encoder=self._card,
                provenance=provenance(self._source.revision),
                subsets={name: subsets[name] for name in order if name in subsets},
            )

        self._store.update(self.path(job), grown)


def _restated(file: ResultFile, card: EncoderCard) -> ResultFile:
    return file.model_copy(update={"encoder": _restated_card(file.encoder, card)})


def _restated_card(earlier: EncoderCard, now: EncoderCard) -> EncoderCard:
    """`earlier` with what `now` says of training data: it describes the weights and no run, and can be corrected."""
    key = "training_datasets"
    options = {**earlier.options, key: now.options[key]} if key in now.options else earlier.options
    parts = {
        label: _restated_card(part, now.parts[label]) if label in now.parts else part
        for label, part in earlier.parts.items()
    }
    return earlier.model_copy(update={key: now.training_datasets, "options": options, "parts": parts})


def _same(earlier: TaskCard | EncoderCard, now: TaskCard | EncoderCard) -> bool:
    """True where what decides scores is the same on both cards: one card describes every score of its file."""
    decides = {"version", "passage_template", "lowercase"}
    if isinstance(now, EncoderCard):
        decides = {"fingerprint", "dtype", "dim", "similarity", "prompts"}
    return earlier.model_dump(include=decides) == now.model_dump(include=decides)


def encoder_card(
    info: EncoderInfo,
    *,
    spec: str,
    distribution: str,
    version: str,
    kind: str,
    options: dict[str, Any],
    training: Sequence[str] | None,
) -> EncoderCard:
    """The card of a loaded encoder: what was asked for, and what its `info` says."""
    return EncoderCard(
        name=info.name,
        spec=spec,
        distribution=distribution,
        version=version,
        kind=kind,
        options=options,
        fingerprint=info.fingerprint,
        dim=info.dim,
        max_tokens=info.max_tokens,
        similarity=info.similarity,
        prompts={str(role): prompt for role, prompt in info.prompts.items()},
        model=info.model,
        revision=info.revision,
        licence=info.licence,
        training_datasets=tuple(training) if training is not None else None,
        device=info.device,
        dtype=info.dtype,
    )


def task_card(task: Task, source: Source, variant: str, split: str | None) -> TaskCard:
    """The card of `task` as read from `source` in `variant`, on `split` or on each subset's own."""
    return TaskCard(
        name=task.name,
        title=task.title,
        family=task.family,
        version=task.version,
        source=source.name,
        variant=variant,
        main_metric=task.main_metric,
        metrics=task.metrics,
        subsets={subset.name: split or task.default_split(subset.name) for subset in task.subsets},
        averages=tuple(AverageCard(title=a.title, subsets=a.subsets) for a in task.averages),
        passage_template=task.passage_template,
        lowercase=task.lowercase,
        licence=task.licence,
        url=task.url,
        citation=task.citation,
    )


def portable(value: Any) -> Any:
    """An option's value as a result may carry it: of a local path only the last component, as `…/name`."""
    if isinstance(value, dict):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [portable(item) for item in value]
    if isinstance(value, str) and os.sep in value and Path(value).expanduser().exists():
        return f"…/{Path(value).expanduser().resolve().name}"
    return value
