"""How the files of a benchmark are called, where they are published, and how they are read.

A layout is a declaration with readers: for each subset it names the parts it needs, each by the endings that the
file's path may have, and turns them into passages, queries, judgements and answers. It never looks for files itself.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from harness.errors import DataError
from harness.sources.collection import Asked
from harness.sources.corpus_cache import Passage
from harness.sources.tree import TreeFile
from harness.tasks.model import Subset, Task

Kind = Literal["corpus", "queries", "qrels"]

#: Files of each kind, as a subset's readers get them.
Files = Mapping[Kind, Sequence[TreeFile]]

#: Told of every n bytes read from a file.
Advance = Callable[[int], None]


@dataclass(frozen=True)
class HubFile:
    """A file of a dataset repository at a pinned revision; `path` may be a shell-style pattern for shards."""

    repo: str
    revision: str
    path: str
    gated: bool = False

    def __str__(self) -> str:
        return f"{self.repo}@{self.revision[:8]}:{self.path}"


@dataclass(frozen=True)
class Url:
    """A file on the web."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class Part:
    """One kind of file that a subset needs.

    `names` are shell-style patterns, compared component by component with the end of a file's path, archives counting
    as folders: `mrtydi-v*-swahili*/collection/docs.jsonl*` is found in an archive and in an unpacked folder. The first
    pattern is the official name. `many` is for shards, which are numbered. `origins` are where it is published, the
    hub first where it has the file.
    """

    kind: Kind
    names: tuple[str, ...]
    origins: tuple[HubFile | Url, ...] = ()
    many: bool = False


class Layout(ABC):
    """The files of one benchmark. `format` says in words what stands in them, for the page of tasks."""

    task: Task
    format: str

    @abstractmethod
    def parts(self, subset: Subset, split: str) -> tuple[Part, ...]:
        """What `subset` needs on `split`: its corpus and what is asked of it."""

    @abstractmethod
    def read_passages(self, subset: Subset, files: Sequence[TreeFile], advance: Advance) -> Iterator[Passage]:
        """The passages of the corpus files, in order, streamed. Raises DataError with file and line."""

    @abstractmethod
    def read_asked(self, subset: Subset, split: str, files: Files) -> Asked:
        """Queries, judgements and answers: those that are judged or have answers. Raises DataError."""

    def corpus_key(self, subset: Subset) -> str:
        """What, besides the bytes of the corpus files, the passages depend on; changes when the reader does."""
        return f"{self.task.name}-1"


class Index:
    """The files of a tree by the last components of their names: a folder has thousands, and layouts many patterns."""

    def __init__(self, tree: Mapping[str, TreeFile]) -> None:
        self._by_last: dict[str, list[tuple[list[str], TreeFile]]] = {}
        for name, file in tree.items():
            components = name.split("/")
            self._by_last.setdefault(components[-1], []).append((components, file))
        self._lasts: dict[str, list[str]] = {}

    def matching(self, pattern: str) -> list[TreeFile]:
        """The files whose names end as `pattern` says, component by component, in the order of the tree."""
        wanted = pattern.split("/")
        if wanted[-1] not in self._lasts:
            self._lasts[wanted[-1]] = [last for last in self._by_last if fnmatchcase(last, wanted[-1])]
        return [
            file
            for last in self._lasts[wanted[-1]]
            for components, file in self._by_last[last]
            if len(components) >= len(wanted) and all(map(fnmatchcase, components[-len(wanted) :], wanted))
        ]


def find(part: Part, tree: Index | Mapping[str, TreeFile]) -> tuple[TreeFile, ...]:
    """The files of `tree` that are `part`; none where there are none.

    A file that lies unpacked beside its archive is taken, and the archive is not. Raises DataError where several
    different files could be meant, and where a numbered shard is missing.
    """
    index = tree if isinstance(tree, Index) else Index(tree)
    for pattern in part.names:
        found = index.matching(pattern)
        loose = [file for file in found if file.member is None]
        found = loose or found
        if not part.many and len(found) > 1:
            listed = "\n".join(f"  {file}" for file in found[:5])
            raise DataError(f"several files could be {pattern}:\n{listed}", "Keep one of them below the source.")
        if found:
            return in_shard_order(found) if part.many else tuple(found)
    return ()


def in_shard_order(files: Sequence[TreeFile]) -> tuple[TreeFile, ...]:
    """`files` of one folder by the last number in their names, which count from 0 and are seldom padded.

    Raises DataError for a gap in the numbers.
    """
    folders = {file.name.rpartition("/")[0] for file in files}
    if len(folders) > 1:
        raise DataError(
            f"shards of one corpus in several folders: {', '.join(sorted(folders))}",
            "Keep one of them below the source.",
        )
    numbered = sorted(((_number(file.name), file) for file in files), key=lambda pair: pair[0])
    numbers = [number for number, _ in numbered]
    if numbers != list(range(len(numbers))):
        gaps = sorted(set(range(numbers[-1])) - set(numbers))
        what = f"shard {gaps[0]} is missing" if gaps else "a shard is there twice"
        raise DataError(f"{numbered[0][1]} and {len(files) - 1} more: {what}", "Fetch the corpus again.")
    return tuple(file for _, file in numbered)


def _number(name: str) -> int:
    digits = re.findall(r"\d+", name.rpartition("/")[2].partition(".")[0])
    return int(digits[-1]) if digits else 0
