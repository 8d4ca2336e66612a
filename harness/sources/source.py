"""What every source offers."""

from __future__ import annotations

from typing import Protocol

from harness.sources.collection import Asked, Collection
from harness.tasks.model import Task
from harness.tasks.selection import Selected


class Source(Protocol):
    """Answers for the text of some tasks."""

    @property
    def name(self) -> str:
        """Short name, part of the paths of results: `pocket`, `folder`."""
        ...

    @property
    def revision(self) -> str | None:
        """Version or pinned revision of the text, None where only content hashes tell."""
        ...

    @property
    def variant(self) -> str:
        """What sets this reading of the source apart, such as `from-en`; results of two variants never mix."""
        ...

    def tasks(self) -> tuple[Task, ...]:
        """The tasks this source has text for; `Task.absent` names the subsets it has none for."""
        ...

    def asked(self, selected: Selected) -> Asked:
        """Queries, judgements and answers of one subset, without its corpus. Raises DataError when malformed."""
        ...

    def load(self, selected: Selected) -> Collection:
        """The text of one subset. Raises DataError when it is malformed."""
        ...
