"""Rankings on disk, in the formats that other evaluators read: TREC runs, and texts where answers are looked for."""

from __future__ import annotations

from pathlib import Path

from harness.engine.plan import Job
from harness.engine.scoring import Ranking
from harness.results.store import component
from harness.results.trec import write_run
from harness.results.xor_predictions import Prediction, write_predictions


class RunFolder:
    """Run files below one folder, beside each other as the results are: `<result file>/<subset>.trec`."""

    def __init__(self, root: Path, results: Path) -> None:
        self._root = root
        self._results = results

    def path(self, job: Job, result: Path) -> Path:
        """The run file of `job`, whose result file is `result`."""
        folder = self._root / result.relative_to(self._results).with_suffix("")
        return folder / f"{component(job.selected.subset.name)}.trec"

    def holds(self, job: Job, result: Path, tag: str) -> bool:
        """True when the files of `job` are there and were written under `tag`."""
        path = self.path(job, result)
        if job.collection.answers is not None and not path.with_suffix(".json").is_file():
            return False
        try:
            with path.open(encoding="utf-8") as stream:
                return stream.readline().split()[-1:] == [tag]
        except (OSError, UnicodeDecodeError):
            return False

    def write(self, job: Job, result: Path, ranking: Ranking, tag: str) -> None:
        """Write the hits of every query, and the retrieved texts where the task is scored by answers."""
        path = self.path(job, result)
        if ranking.contexts is not None:
            language = job.selected.subset.query_language
            predictions = [Prediction(q, language, tuple(texts)) for q, texts in ranking.contexts.items()]
            write_predictions(path.with_suffix(".json"), predictions)
        write_run(path, ranking.run, tag)
