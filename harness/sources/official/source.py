"""A folder with official files as a source: archives or what came out of them, of one benchmark or of many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness._util.progress import NO_PROGRESS, Progress
from harness.errors import DataError, UsageError
from harness.metrics import parse
from harness.metrics.xor import scored_answers
from harness.sources.collection import Asked, Collection
from harness.sources.corpus import Corpus
from harness.sources.corpus_cache import CorpusCache
from harness.sources.official.layout import Files, Index, Kind, Layout, Part, find
from harness.sources.official.layouts import LAYOUTS
from harness.sources.tree import TreeFile, list_tree
from harness.tasks.model import Subset, Task
from harness.tasks.selection import Selected

#: Set apart from the published numbers: data whose counts are not the official ones.
UNOFFICIAL = "unofficial"


@dataclass(frozen=True)
class Held:
    """One part of a subset and the files found for it, none where it is missing."""

    part: Part
    files: tuple[TreeFile, ...]


class OfficialSource:
    """Every benchmark whose official files lie below one folder."""

    name = "official"
    revision: str | None = None
    variant = ""

    def __init__(self, root: Path, cache: Path, progress: Progress = NO_PROGRESS, *, corpora_too: bool = True) -> None:
        """Look for files below `root`; with `corpora_too` False a subset without its corpus counts as there."""
        self._root = root.resolve()
        self._cache = cache
        self._corpora = CorpusCache(cache)
        self._progress = progress
        listed = list_tree(self._root, cache)
        self._tree = Index({f"{self._root.name}/{name}": file for name, file in listed.items()})
        self._kinds: tuple[Kind, ...] = ("corpus", "queries", "qrels") if corpora_too else ("queries", "qrels")
        self._found = {layout.task.name: self._present(layout) for layout in LAYOUTS}

    def tasks(self) -> tuple[Task, ...]:
        """The tasks with at least one subset whose files are all there; `absent` names the others."""
        found = []
        for layout in LAYOUTS:
            present = self._found[layout.task.name]
            if present:
                absent = tuple(s.name for s in layout.task.subsets if s.name not in present)
                found.append(replace(layout.task, absent=absent, subset_splits=present))
        return tuple(found)

    def begun(self) -> tuple[str, ...]:
        """The tasks of which some part is below the folder, complete or not."""
        return tuple(
            layout.task.name
            for layout in LAYOUTS
            if any(
                any(map(self._tree.matching, part.names))
                for subset in layout.task.subsets
                for split in layout.task.splits_of(subset.name)
                for part in layout.parts(subset, split)
            )
        )

    def every_task(self) -> tuple[Task, ...]:
        """All tasks with known files, whether they are below the folder or not."""
        return tuple(layout.task for layout in LAYOUTS)

    def held(self, selected: Selected) -> tuple[Held, ...]:
        """What `selected` needs, and what of it is below the folder."""
        return self._held(layout_of(selected.task), selected.subset, selected.split)

    def _held(self, layout: Layout, subset: Subset, split: str) -> tuple[Held, ...]:
        return tuple(Held(part, find(part, self._tree)) for part in layout.parts(subset, split))

    def asked(self, selected: Selected) -> Asked:
        """Queries, judgements and answers of one subset; its corpus need not be there."""
        layout = layout_of(selected.task)
        files = self._files(selected, ("queries", "qrels"))
        return layout.read_asked(layout.task.subset(selected.subset.name), selected.split, files)

    def load(self, selected: Selected) -> Collection:
        """The text of one subset; its corpus is converted on first use. Raises DataError for what is malformed."""
        layout = layout_of(selected.task)
        files = self._files(selected, ("corpus", "queries", "qrels"))
        return collection(layout, selected, files, self._corpora, self._progress)

    def _files(self, selected: Selected, kinds: tuple[Kind, ...]) -> Mapping[Kind, tuple[TreeFile, ...]]:
        files: dict[Kind, tuple[TreeFile, ...]] = {}
        for held in self.held(selected):
            if held.part.kind in kinds:
                if not held.files:
                    raise DataError(
                        f"{self._root}: {selected.label} needs {held.part.names[0]} ({held.part.kind})",
                        f"`harness data {selected.label}` tells where it is published.",
                    )
                files[held.part.kind] = held.files
        return files

    def _is_there(self, part: Part) -> bool:
        """True when `part` is not wanted or has files, also when they are not whole: who reads them says so then."""
        try:
            return part.kind not in self._kinds or bool(find(part, self._tree))
        except DataError:
            return True

    def _present(self, layout: Layout) -> dict[str, tuple[str, ...]]:
        """The splits of every subset of `layout` that are complete below the folder."""
        present: dict[str, tuple[str, ...]] = {}
        for subset in layout.task.subsets:
            splits = tuple(
                split
                for split in layout.task.splits_of(subset.name)
                if all(map(self._is_there, layout.parts(subset, split)))
            )
            if splits:
                present[subset.name] = splits
        return present


def collection(
    layout: Layout,
    selected: Selected,
    files: Files,
    corpora: CorpusCache,
    progress: Progress,
) -> Collection:
    """The collection in `files`, its corpus converted on first use, set apart where its counts are not official."""
    subset = layout.task.subset(selected.subset.name)
    asked = layout.read_asked(subset, selected.split, files)
    held = files["corpus"]

    def corpus() -> Corpus:
        key = [layout.corpus_key(subset), [file.stamp for file in held]]
        with progress.task(f"reading {selected.label}", sum(file.size for file in held)) as advance:
            return corpora.corpus(key, lambda: layout.read_passages(subset, held, advance))

    passages = corpus()
    check_judged(asked, passages, files["qrels"][0], held[0])
    variant, notice = difference(selected, asked, passages, layout.task)
    return Collection(passages, asked.queries, asked.qrels, asked.answers, variant=variant, notice=notice)


def check_judged(asked: Asked, corpus: Corpus, qrels: object, passages: object) -> None:
    """Raise DataError when a relevant passage is not in the corpus: it could never be found.

    `qrels` and `passages` name where both come from.
    """
    relevant = {
        passage: query for query, grades in asked.qrels.items() for passage, grade in grades.items() if grade > 0
    }
    missing = relevant.keys() - corpus.find(relevant).keys() if relevant else set()
    if missing:
        first = min(missing)
        raise DataError(
            f"{qrels}: query {relevant[first]!r} is judged on passage {first!r}, which is not in {passages}"
            + (f" ({len(missing)} such passages)" if len(missing) > 1 else ""),
            "The corpus is incomplete, or of another version.",
        )


def count_queries(task: Task, asked: Asked) -> int:
    """Queries as the benchmark counts them: XOR-Retrieve counts the ones it scores."""
    by_tokens = parse(task.main_metric).kind == "token-recall"
    return len(scored_answers(asked.answers or {}) if by_tokens else asked.queries)


def difference(selected: Selected, asked: Asked, corpus: Corpus, declared: Task | None = None) -> tuple[str, str]:
    """(variant, notice): empty where the counts are the official ones, or where those are not known."""
    task, name = declared or selected.task, selected.subset.name
    wanted = {"queries": task.queries.get((name, selected.split)), "passages": task.passages.get(name)}
    have = {"queries": count_queries(task, asked), "passages": len(corpus)}
    wrong = [
        f"{have[what]:,} {what}, officially {count:,}"
        for what, count in wanted.items()
        if count is not None and count != have[what]
    ]
    if not wrong:
        return "", ""
    return UNOFFICIAL, f"{selected.label} ({selected.split}): {'; '.join(wrong)}; kept apart as '{UNOFFICIAL}'"


def layout_of(task: Task) -> Layout:
    """The layout of the files of `task`. Raises UsageError where none is known."""
    for layout in LAYOUTS:
        if layout.task.name == task.name:
            return layout
    raise UsageError(f"no official files are known for task {task.name!r}")
