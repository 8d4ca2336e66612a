"""Every declared task, in the order in which lists and boards show them."""

from __future__ import annotations

from harness._util.names import did_you_mean
from harness.errors import UsageError
from harness.tasks.low_resource import LOW_RESOURCE_TASKS
from harness.tasks.miracl import MIRACL, MIRACL_HARD_NEGATIVES
from harness.tasks.model import Task
from harness.tasks.mr_tydi import MR_TYDI
from harness.tasks.xor_tydi import XOR_TYDI

_TASKS: tuple[Task, ...] = (XOR_TYDI, MR_TYDI, MIRACL, MIRACL_HARD_NEGATIVES, *LOW_RESOURCE_TASKS)


def all_tasks() -> tuple[Task, ...]:
    """All declared tasks."""
    return _TASKS


def families() -> tuple[str, ...]:
    """The families, in the order of their first task."""
    return tuple(dict.fromkeys(task.family for task in _TASKS))


def task(name: str) -> Task:
    """The task called `name`. Raises UsageError with suggestions when there is none."""
    for candidate in _TASKS:
        if candidate.name == name:
            return candidate
    raise UsageError(f"there is no task {name!r}", did_you_mean(name, (t.name for t in _TASKS)))
