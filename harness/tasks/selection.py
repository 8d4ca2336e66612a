"""From patterns to the subsets they name: `miracl`, `miracl/sw`, `xor-*`, `*/te`, and languages likewise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness._util.names import did_you_mean, matches_any
from harness.errors import NothingSelectedError, UsageError
from harness.tasks.model import Subset, Task
from harness.tasks.registry import all_tasks


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a source to run.

    `tasks` are names, family names or globs, optionally with `/subset`; `languages` are globs that a subset matches
    by its name or by the language of its queries. `split` None means each task's own. `limit` keeps the first N
    judged queries of each subset and marks the result as partial.
    """

    tasks: tuple[str, ...] = ("*",)
    languages: tuple[str, ...] = ("*",)
    split: str | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"limit must be at least 1, not {self.limit}")


@dataclass(frozen=True, slots=True)
class Selected:
    """One subset of one task, and the split it is run on."""

    task: Task
    subset: Subset
    split: str

    @property
    def label(self) -> str:
        """`task/subset`, as people write it."""
        return f"{self.task.name}/{self.subset.name}"


def select(tasks: Iterable[Task], selection: Selection) -> list[Selected]:
    """The subsets that `selection` names, in the order of declaration.

    Raises UsageError for a pattern without wildcard that names nothing, with suggestions, and for a split that a task
    does not have; NothingSelectedError when every pattern is valid and nothing is left.
    """
    available = list(tasks)
    for pattern in selection.tasks:
        _check_task_pattern(pattern, available)
    chosen = [
        (task, subset)
        for task in available
        for subset in task.subsets
        if subset.name not in task.absent and any(_names(pattern, task, subset) for pattern in selection.tasks)
    ]
    for pattern in selection.languages:
        _check_language(pattern, available)
    kept = [(task, subset) for task, subset in chosen if _speaks(subset, selection.languages)]
    selected = [Selected(task, subset, _split(task, subset, selection.split)) for task, subset in kept]
    if not selected:
        raise NothingSelectedError(
            f"no subset matches tasks {', '.join(selection.tasks)} and languages {', '.join(selection.languages)}",
            "`harness tasks` lists every task and its subsets.",
        )
    return selected


def _names(pattern: str, task: Task, subset: Subset) -> bool:
    head, slash, tail = pattern.partition("/")
    if not (matches_any(task.name, [head]) or matches_any(task.family, [head])):
        return False
    return not slash or matches_any(subset.name, [tail])


def _speaks(subset: Subset, patterns: Sequence[str]) -> bool:
    return matches_any(subset.name, patterns) or matches_any(subset.query_language, patterns)


def _split(task: Task, subset: Subset, wanted: str | None) -> str:
    if wanted is None:
        return task.default_split(subset.name)
    if wanted not in task.splits_of(subset.name):
        available = task.splits_of(subset.name)
        raise UsageError(f"{task.name}/{subset.name} has no split {wanted!r}", did_you_mean(wanted, available))
    return wanted


def _check_task_pattern(pattern: str, tasks: Sequence[Task]) -> None:
    named = [(task, subset) for task in tasks for subset in task.subsets if _names(pattern, task, subset)]
    if named and all(subset.name in task.absent for task, subset in named):
        raise UsageError(
            f"{pattern}: this source does not have its files",
            f"`harness data {pattern}` lists what is needed and where it is published.",
        )
    if any(_names(pattern, task, subset) for task in tasks for subset in task.subsets) or _is_glob(pattern):
        return
    head, _, tail = pattern.partition("/")
    owners = [task for task in tasks if head in (task.name, task.family)]
    if owners:
        known = [subset.name for task in owners for subset in task.subsets]
        raise UsageError(f"task {head!r} has no subset {tail!r} here", did_you_mean(tail, known))
    if head in {name for task in all_tasks() for name in (task.name, task.family)}:
        raise UsageError(
            f"{head} is not in this source",
            f"Published benchmarks come from --source hub, or --source FOLDER with their files: harness data {head}",
        )
    names = {name for task in tasks for name in (task.name, task.family)}
    raise UsageError(f"there is no task {head!r} in this source", did_you_mean(head, names))


def _check_language(pattern: str, tasks: Sequence[Task]) -> None:
    subsets = [subset for task in tasks for subset in task.subsets]
    if _is_glob(pattern) or any(_speaks(subset, [pattern]) for subset in subsets):
        return
    known = {subset.query_language for subset in subsets}
    raise UsageError(f"no subset of this source is in language {pattern!r}", did_you_mean(pattern, known))


def _is_glob(pattern: str) -> bool:
    return any(character in pattern for character in "*?[")
