"""Benchmarks from the hub: only the subsets that are asked for, at pinned revisions, from the cache where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness._util.progress import NO_PROGRESS, Progress
from harness.sources.collection import Asked, Collection
from harness.sources.corpus_cache import CorpusCache
from harness.sources.hub.fetch import Fetcher
from harness.sources.hub.mteb_tasks import MTEB_TASKS, MtebCopy
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

    def begun(self) -> tuple[str, ...]:
        """Nothing: what is not here can be fetched."""
        return ()

    def every_task(self) -> tuple[Task, ...]:
        """All tasks with known files, whether they can be fetched or not."""
        return tuple(task for task in all_tasks() if task.name in MTEB_TASKS or task.name in _LAYOUTS)

    def mteb_copy(self, selected: Selected) -> MtebCopy | None:
        """The copy of a task that is read through mteb; None for the others, which have `held`."""
        return MtebCopy(selected, self._cache, self._corpora) if selected.task.name in MTEB_TASKS else None

    def held(self, selected: Selected) -> tuple[Held, ...]:
        """What `selected` needs, and what of it was fetched."""
        parts = layout_of(selected.task).parts(selected.subset, selected.split)
        return tuple(Held(part, self._fetcher.cached_part(part)) for part in parts)

    def folders(self) -> tuple[Path, ...]:
        """Where fetched files are: the cache of the hub's client and our own."""
        return (*self._fetcher.hub_folder(), self._cache)

    def fetch(self, selected: Selected) -> tuple[str, ...]:
        """Fetch everything that `selected` needs; returns the files. Raises DataError with what to do."""
        if copy := self.mteb_copy(selected):
            copy.asked()
            copy.corpus()
            return tuple(map(str, copy.files()))
        files = self._fetch(selected, ("corpus", "queries", "qrels"))
        return tuple(dict.fromkeys(str(file) for found in files.values() for file in found))

    def asked(self, selected: Selected) -> Asked:
        """Queries, judgements and answers of one subset."""
        if copy := self.mteb_copy(selected):
            return copy.asked()
        layout = layout_of(selected.task)
        subset = layout.task.subset(selected.subset.name)
        return layout.read_asked(subset, selected.split, self._fetch(selected, ("queries", "qrels")))

    def load(self, selected: Selected) -> Collection:
        """The text of one subset, fetched and converted on first use."""
        copy = self.mteb_copy(selected)
        if copy is None:
            files = self._fetch(selected, ("corpus", "queries", "qrels"))
            read = collection(layout_of(selected.task), selected, files, self._corpora, self._progress)
            return replace(read, origin=self._origin(selected))
        asked, corpus = copy.asked(), copy.corpus()
        check_judged(asked, corpus, copy, copy)
        variant, notice = difference(selected, asked, corpus)
        return Collection(corpus, asked.queries, asked.qrels, variant=variant, notice=notice, origin=copy.origin)

    def _origin(self, selected: Selected) -> str:
        """The repositories, with revisions, and addresses that the files of `selected` came from."""
        parts = layout_of(selected.task).parts(selected.subset, selected.split)
        return ", ".join(dict.fromkeys(map(self._fetcher.origin_of, parts)))

    def _fetch(self, selected: Selected, kinds: tuple[Kind, ...]) -> Files:
        """The files of the parts of some kinds, small ones first: what is missing shows before a corpus is fetched."""
        files: dict[Kind, tuple[TreeFile, ...]] = {}
        parts = layout_of(selected.task).parts(selected.subset, selected.split)
        for part in sorted(parts, key=lambda part: part.kind == "corpus"):
            if part.kind in kinds:
                files[part.kind] = self._fetcher.fetch(part, selected.label)
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
