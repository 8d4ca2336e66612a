"""Zero-shot evaluation while training: the harness itself, on the weights as they are.

What is measured is what `harness run` would measure on the finished model, up to the rounding of how it is stored.
Results and embeddings go to a folder of their own: the user's are untouched, and a cache that would never be hit again
does not grow. The converted corpora stay there from one evaluation to the next.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from harness import api
from harness.encoders.protocols import Encoder
from harness.engine.plan import load_jobs
from harness.errors import HarnessError
from harness.sources.opening import open_source
from harness.tasks.selection import Selection, select
from harness_lamir.backbones.base import Backbone
from harness_lamir.recipe import Evaluation
from harness_lamir.training.modes import evaluation_mode
from harness_lamir.training.state import Scored

__all__ = ["Evaluator"]


class Evaluator:
    """Measures a backbone by a recipe's `evaluation`; a context, which owns its folder and removes it.

    Args:
        settings: what to measure on.
        data: the folder that its `source` starts from.
        name: what the model is called.
        folder: where to keep things meanwhile, what an earlier process left there goes; a temporary one by default.

    Raises:
        UsageError: the source cannot be opened.
    """

    def __init__(self, settings: Evaluation, data: Path, name: str, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.mkdtemp(prefix="harness-evaluation-"))
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self._name = name
        self._selection = Selection(
            tuple(settings.tasks) or ("*",), tuple(settings.languages) or ("*",), limit=settings.limit
        )
        where = settings.source if settings.source == "pocket" else str(data / settings.source)
        try:
            self._source = open_source(where, corpus_from=settings.corpus_from, cache=self._folder / "corpora")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Give the evaluator itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the folder."""
        self.close()

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def check(self) -> dict[str, str]:
        """Read and check everything that will be measured on; no model is needed.

        Returns:
            Of each subset a digest of its text and judgements.

        Raises:
            UsageError: a pattern names nothing, or the data is malformed.
        """
        jobs = load_jobs(self._source, select(self._source.tasks(), self._selection), self._selection.limit)
        return {job.selected.label: job.collection.fingerprint for job in jobs}

    def __call__(self, backbone: Backbone, step: int) -> Scored:
        """Measure the main metric of each subset (a fraction of 1), and their mean.

        Raises:
            HarnessError: a subset failed.
        """
        with evaluation_mode(backbone):
            done = api.evaluate(
                self._encoder(backbone), source=self._source, select=self._selection, settings=self._settings()
            )
        self._forget()
        if done.failed:
            first = done.failed[0]
            raise HarnessError(f"evaluation after step {step}: {first.job.selected.label}: {first.result.error}")
        subsets = {
            outcome.job.selected.label: outcome.result.metrics[outcome.job.selected.task.main_metric]
            for outcome in done.outcomes
        }
        return Scored(step, sum(subsets.values()) / len(subsets), subsets)

    def _encoder(self, backbone: Backbone) -> Encoder:
        from harness_lamir.encoder import encoder_of, weights_fingerprint

        return encoder_of(
            backbone,
            name=self._name,
            fingerprint=weights_fingerprint(backbone),
            device=str(backbone.device),
            dtype="float32",
        )

    def _settings(self) -> api.Settings:
        return api.Settings(output=self._folder / "results", cache=self._folder / "cache")

    def _forget(self) -> None:
        """Drop results and embeddings, which no later evaluation can use."""
        for name in ("results", "cache"):
            shutil.rmtree(self._folder / name, ignore_errors=True)
