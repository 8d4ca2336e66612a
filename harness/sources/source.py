"""What every source offers, and how the word behind `--source` becomes one."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from harness._util.names import did_you_mean
from harness.errors import UsageError
from harness.sources.collection import Collection
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
        """The tasks this source has text for, restricted to the subsets it has."""
        ...

    def load(self, selected: Selected) -> Collection:
        """The text of one subset. Raises DataError when it is malformed."""
        ...


def open_source(name: str, *, corpus_from: str | None = None, passage_template: str | None = None) -> Source:
    """The source for `name`: the word `pocket`, or the path of a folder in BEIR layout.

    `corpus_from` pairs every subset's queries with the passages of another subset, and `passage_template` says how
    titles are joined; both belong to folders. Raises UsageError for a name that is neither.
    """
    if name == "pocket":
        if corpus_from is not None:
            raise UsageError(
                "--corpus-from goes with a folder source, not with pocket",
                "The pocket tasks xor-tydi and low-resource are cross-lingual already.",
            )
        if passage_template is not None:
            raise UsageError("the passages of pocket tasks have their template declared; it cannot be changed")
        from harness.sources.pocket import PocketSource

        return PocketSource()
    folder = Path(name).expanduser()
    if not name or not folder.is_dir():
        raise UsageError(
            f"source {name!r} is neither 'pocket' nor an existing folder",
            did_you_mean(name, ["pocket"]),
        )
    from harness.sources.folder import FolderSource

    return FolderSource(folder, corpus_from=corpus_from, passage_template=passage_template)
