"""Benchmarks from the hub: only the subsets that are asked for, at pinned revisions, from the cache where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness._util import fingerprint
from harness._util.atomic import write_text
from harness._util.progress import NO_PROGRESS, Progress
from harness.sources.collection import Asked, Collection
from harness.sources.corpus_cache import CorpusCache
from harness.sources.hub import mteb_tasks
from harness.sources.hub.fetch import Fetcher
from harness.sources.hub.mteb_tasks import MTEB_TASKS, Loaded
from harness.sources.official.layout import Files, Kind
from harness.sources.official.layouts import LAYOUTS
from harness.sources.official.source import Held, check_judged, collection, difference, layout_of
from harness.sources.tree import TreeFile
from harness.tasks import all_tasks
from harness.tasks.model import Task
from harness.tasks.selection import Selected

_LAYOUTS = {layout.task.name: layout for layout in LAYOUTS}


class HubSource:
    """Every benchmark that the hub, or the web beside it, has all files of."""

    name = "official"
    revision: str | None = None
    variant = ""

    def __init__(self, cache: Path, progress: Progress = NO_PROGRESS) -> None:
        self._cache = cache
        self._corpora = CorpusCache(cache)
        self._fetcher = Fetcher(cache, progress)
        self._progress = progress

    def tasks(self) -> tuple[Task, ...]:
        """The benchmarks that can be fetched; `absent` names the subsets that cannot."""
        return tuple(found for task in all_tasks() if (found := _fetchable(task)) is not None)

    def every_task(self) -> tuple[Task, ...]:
        """All tasks with known files, whether they can be fetched or not."""
        return tuple(task for task in all_tasks() if task.name in MTEB_TASKS or task.name in _LAYOUTS)

    def held(self, selected: Selected) -> tuple[Held, ...]:
        """What `selected` needs, and what of it was fetched. Not for tasks that are read through mteb."""
        parts = layout_of(selected.task).parts(selected.subset, selected.split)
        return tuple(Held(part, self._fetcher.cached_part(part)) for part in parts)

    def loaded(self, selected: Selected) -> tuple[str, ...]:
        """Where the text of a task that is read through mteb is kept; nothing when it was never loaded."""
        marker = self._marker(selected)
        return (str(marker),) if marker.is_file() else ()

    def fetch(self, selected: Selected) -> tuple[str, ...]:
        """Fetch everything that `selected` needs; returns the files. Raises DataError with what to do."""
        if selected.task.name in MTEB_TASKS:
            self._through_mteb(selected)
            return self.loaded(selected)
        files = self._fetch(selected, ("corpus", "queries", "qrels"))
        return tuple(dict.fromkeys(str(file) for found in files.values() for file in found))

    def asked(self, selected: Selected) -> Asked:
        """Queries, judgements and answers of one subset."""
        if selected.task.name in MTEB_TASKS:
            return self._through_mteb(selected).asked
        layout = layout_of(selected.task)
        subset = layout.task.subset(selected.subset.name)
        return layout.read_asked(subset, selected.split, self._fetch(selected, ("queries", "qrels")))

    def load(self, selected: Selected) -> Collection:
        """The text of one subset, fetched and converted on first use."""
        if selected.task.name not in MTEB_TASKS:
            files = self._fetch(selected, ("corpus", "queries", "qrels"))
            return collection(layout_of(selected.task), selected, files, self._corpora, self._progress)
        loaded = self._through_mteb(selected)
        corpus = loaded.corpus(self._corpora)
        place = "@".join(loaded.key[:2])
        check_judged(loaded.asked, corpus, place, place)
        variant, notice = difference(selected, loaded.asked, corpus)
        asked = loaded.asked
        return Collection(corpus, asked.queries, asked.qrels, variant=variant, notice=notice)

    def _through_mteb(self, selected: Selected) -> Loaded:
        """Load through mteb, and write down that it is there now."""
        loaded = mteb_tasks.load(selected)
        write_text(self._marker(selected), "@".join(loaded.key) + "\n")
        return loaded

    def _marker(self, selected: Selected) -> Path:
        known = MTEB_TASKS[selected.task.name]
        facts = [known.repo, known.revision, known.subset(selected.subset.name), selected.split]
        return self._cache / "hub" / f"mteb-{fingerprint.of_json(facts)[:24]}.txt"

    def _fetch(self, selected: Selected, kinds: tuple[Kind, ...]) -> Files:
        files: dict[Kind, tuple[TreeFile, ...]] = {}
        for part in layout_of(selected.task).parts(selected.subset, selected.split):
            if part.kind in kinds:
                files[part.kind] = self._fetcher.fetch(part)
        return files


def _fetchable(task: Task) -> Task | None:
    """`task` with the subsets that cannot be fetched marked absent; None where none can."""
    if task.name in MTEB_TASKS:
        return task
    layout = _LAYOUTS.get(task.name)
    if layout is None:
        return None
    splits = {
        subset.name: tuple(
            split for split in task.splits_of(subset.name) if all(part.origins for part in layout.parts(subset, split))
        )
        for subset in task.subsets
    }
    present = {name: found for name, found in splits.items() if found}
    if not present:
        return None
    return replace(task, absent=tuple(name for name in splits if name not in present), subset_splits=present)
