"""Runs: train each arm with each seed, measure it, write one result file. What is there already is skipped.

Several processes may share the work, each on a core of its own: a run that another one is at is left to it.

All arms of a seed start from the same vocabulary and initial weights, made of the text of the experiment's `start` arm:
what a loss adds is not confounded with what is in the vocabulary. A killed run loses the arm in flight.
"""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness._util import fingerprint
from harness.results.provenance import provenance
from harness_lamir.data.finding import find_files, forbidden_folders
from harness_lamir.data.loading import used_streams
from harness_lamir.data.text import fingerprint as file_fingerprint
from harness_lamir.experiments.measuring import check, retrieval
from harness_lamir.experiments.plan import Experiment, Run, runs
from harness_lamir.experiments.probes import Sentences, measure, read_sentences
from harness_lamir.experiments.results import Measurement, RunResult, load_result, result_path, store
from harness_lamir.locking import claimed
from harness_lamir.recipe import Recipe

__all__ = ["Say", "carry_out", "waiting"]

#: Told what goes on, a line at a time.
Say = Callable[[str], None]


def waiting(planned: Sequence[Run], results: Path) -> list[Run]:
    """Return the runs that have no result of the same plan yet."""
    return [run for run in planned if not _done(run, results)]


def carry_out(experiment: Experiment, plans: Path, data: Path, results: Path, *, say: Say = print) -> int:
    """Run what is left of an experiment, and return how many runs this process made.

    Args:
        experiment: what to do.
        plans: the folder of its file.
        data: the folder that recipes and measurements start from.
        results: the folder for result files.
        say: called as it goes on.

    Raises:
        UsageError: plan or data cannot be used; found before the first run, but for what only reading the text shows.
        HarnessError: a training or an evaluation failed.
    """
    planned = runs(experiment, plans)
    left = waiting(planned, results)
    say(f"{experiment.name}: {len(planned)} runs, {len(planned) - len(left)} of them done")
    if not left:
        return 0
    with tempfile.TemporaryDirectory(prefix="lamir-experiment-") as name:
        desk = _Desk(experiment, data, Path(name))
        check(experiment.measured, data, desk.corpora)
        made = 0
        for number, run in enumerate(left, start=1):
            with _claimed(run, results) as ours:
                if not ours or _done(run, results):
                    say(f"[{number}/{len(left)}] {run.label}: left to another process")
                    continue
                started = time.monotonic()
                result = desk.result(run)
                store(result, results)
                made += 1
            scores = ", ".join(f"{one} {_mean(found):.3f}" for one, found in result.measured.items())
            say(f"[{number}/{len(left)}] {run.label}: {time.monotonic() - started:.0f} s; {scores}")
    return made


@dataclass
class _Desk:
    """What the runs of an experiment share."""

    experiment: Experiment
    data: Path
    folder: Path

    def __post_init__(self) -> None:
        probes = self.experiment.probes
        self.corpora = self.folder / "corpora"
        self.sentences: Sentences | None = None if probes is None else read_sentences(probes, self.data)

    def result(self, run: Run) -> RunResult:
        """Train and measure one arm with one seed."""
        from harness_lamir.encoder import checkpoint_fingerprint

        seconds: dict[str, float] = {}
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=f"{run.arm}-") as name, _threads(run.recipe):
            scratch = Path(name)
            checkpoint = scratch / run.recipe.name
            with _timed(seconds, "start"):
                start = self._start(run)
            steps: int = 0
            losses: dict[str, float] = {}
            if run.untrained:
                checkpoint = start
            else:
                with _timed(seconds, "train"):
                    steps, losses = self._train(run, start, checkpoint)
            with _timed(seconds, "retrieval"):
                measured = retrieval(checkpoint, self.experiment.measured, self.data, scratch, self.corpora)
            with _timed(seconds, "probes"):
                measured |= self._probe(checkpoint)
            weights = checkpoint_fingerprint(checkpoint)
        made = provenance(None)
        return RunResult(
            experiment=self.experiment.name,
            arm=run.arm,
            seed=run.seed,
            plan=run.fingerprint,
            recipe=fingerprint.of_json(run.recipe.model_dump(mode="json", exclude_defaults=True)),
            untrained=run.untrained,
            command=_command(run),
            steps=steps,
            losses=losses,
            training_text={} if run.untrained else _training_text(run.recipe, self.data),
            measured=measured,
            seconds={phase: round(value, 1) for phase, value in seconds.items()},
            weights=weights,
            device=run.recipe.runtime.device,
            threads=run.recipe.runtime.threads,
            python=made.python,
            processor=made.processor,
            packages={"lamir-harness": made.harness, **made.packages},
        )

    def _start(self, run: Run) -> Path:
        """Return the folder of the initial weights; made once for each seed.

        Without a common start, that of the arm's own recipe.
        """
        if run.start is None and not run.untrained:
            return self.folder  # nobody reads it: the trainer builds the backbone
        recipe = run.start or run.recipe
        folder = self.folder / f"start-{run.seed}" / ("" if run.start else run.arm) / recipe.name
        if not folder.is_dir():
            from harness_lamir.backbones.building import build_backbone
            from harness_lamir.data.loading import load_streams
            from harness_lamir.training.seeds import generator

            streams = load_streams(recipe, self.data)
            backbone = build_backbone(
                recipe.backbone,
                lambda count: streams.sample_texts(count, generator(recipe.seed, "vocabulary")),
                seed=recipe.seed,
                rows=streams.rows,
            )
            folder.mkdir(parents=True)
            backbone.save(folder)
        return folder

    def _train(self, run: Run, start: Path, output: Path) -> tuple[int, dict[str, float]]:
        """Train one arm; return its steps and last losses."""
        from harness_lamir.training.overrides import changed
        from harness_lamir.training.trainer import train

        recipe = run.recipe
        if run.start is not None:
            recipe = changed(recipe, [("backbone.init", str(start))], run.label)
        outcome = train(recipe, self.data, output, command=_command(run))
        return outcome.progress.step, {name: round(loss, 6) for name, loss in outcome.progress.losses.items()}

    def _probe(self, checkpoint: Path) -> dict[str, Measurement]:
        """Measure the probes, if there are any."""
        probes = self.experiment.probes
        if probes is None or self.sentences is None:
            return {}
        from harness_lamir.encoder import load
        from harness_lamir.plugin import LamirOptions

        encoder = load(LamirOptions(checkpoint=str(checkpoint)))
        return measure(
            probes, self.sentences, lambda texts, code: encoder.encode(list(texts), role="passage", language=code)
        )


def _done(run: Run, results: Path) -> bool:
    """Whether a result of the same plan is there."""
    path = result_path(results, run.experiment.name, run.arm, run.seed)
    return path.is_file() and load_result(path).plan == run.fingerprint


@contextmanager
def _claimed(run: Run, results: Path) -> Iterator[bool]:
    """Keep a run to this process; say whether no other is at it."""
    path = result_path(results, run.experiment.name, run.arm, run.seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.stem}.lock")
    with claimed(lock) as ours:
        try:
            yield ours
        finally:
            if ours:
                lock.unlink(missing_ok=True)


def _mean(measurement: Measurement) -> float:
    return sum(one.score for one in measurement.subsets.values()) / len(measurement.subsets)


def _command(run: Run) -> str:
    """What repeats one experiment, without this machine's folders."""
    return shlex.join(["python", "-m", "harness_lamir.experiments", "run", run.experiment.name, "--data", "DATA"])


def _training_text(recipe: Recipe, data: Path) -> dict[str, str]:
    """SHA-256 over names and contents of the files of each stream that is read."""
    forbidden = forbidden_folders(recipe.forbidden, data)
    found = {}
    for name in used_streams(recipe):
        stream = recipe.streams[name]
        paths = {
            path for source in stream.sources for path in find_files(source, stream.kind, data, forbidden, source.name)
        }
        digests = {path.relative_to(data).as_posix(): file_fingerprint(path) for path in sorted(paths)}
        found[name] = fingerprint.of_json(digests)
    return found


@contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    """Note how long something took."""
    started = time.monotonic()
    yield
    seconds[phase] = time.monotonic() - started


@contextmanager
def _threads(recipe: Recipe) -> Iterator[None]:
    """Measure with as many threads as the recipe trains with."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(recipe.runtime.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
