"""docs/tasks.md is what the declarations give, and says what a reader needs to run a task."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sources.catalogue import page
from harness.tasks import Task, all_tasks


@pytest.fixture(scope="module")
def committed(repository: Path) -> str:
    """The page as it is in the repository."""
    return (repository / "docs" / "tasks.md").read_text("utf-8")


def test_the_page_is_generated(committed: str) -> None:
    """A declaration that changed without its page fails here: `harness tasks --markdown > docs/tasks.md`."""
    assert committed == page(all_tasks())


def test_the_command_prints_it(cli: object, committed: str) -> None:
    """The command in the page's first line gives the page."""
    done = cli("tasks", "--markdown")  # type: ignore[operator]
    assert (done.code, done.out) == (0, committed)


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.name)
def test_every_task_is_described(task: Task, committed: str) -> None:
    """Each section has every subset, the template, the licence, the citation and the link."""
    section = committed.split(f"\n## {task.name}\n")[1].split("\n## ")[0]
    for subset in task.subsets:
        assert f"`{subset.name}`" in section
    assert task.passage_template.replace("\n", "\\n") in section
    for fact in (task.licence, task.citation, task.url, task.title):
        assert fact in section


def test_counts_are_those_of_the_declaration(committed: str) -> None:
    """One number that everybody knows, where it belongs."""
    section = committed.split("\n## mr-tydi\n")[1].split("\n## ")[0]
    assert "| `ar` | ar | ar | 3,115 | 1,081 | 2,106,586 |" in section
