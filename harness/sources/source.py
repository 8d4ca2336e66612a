"""What every source offers, and how the word behind `--source` becomes one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness._util.folders import cache_root
from harness._util.names import did_you_mean
from harness._util.progress import NO_PROGRESS, Progress
from harness.errors import DataError, UsageError
from harness.sources.collection import Asked, Collection
from harness.tasks.model import Task
from harness.tasks.selection import Selected

if TYPE_CHECKING:
    from harness.sources.hub.source import HubSource
    from harness.sources.official.source import OfficialSource


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


def open_source(
    name: str,
    *,
    corpus_from: str | None = None,
    passage_template: str | None = None,
    sample: int | None = None,
    sample_seed: int = 0,
    corpora_too: bool = True,
    cache: Path | None = None,
    progress: Progress = NO_PROGRESS,
) -> Source:
    """The source for `name`: `pocket`, `hub`, or the path of a folder with official files or in BEIR layout.

    `corpus_from` pairs every subset's queries with the passages of another subset, and `passage_template` says how
    titles are joined; both belong to folders in BEIR layout. `sample` searches the judged passages and that many
    others, chosen by `sample_seed`, instead of full corpora. With `corpora_too` False, official files that judge are
    enough for a subset to be there. `cache` keeps converted corpora (None: the user's cache
    folder, or $HARNESS_CACHE), and `progress` is told of long reading.
    Raises UsageError for a name that is none of these, DataError for a folder with nothing to run in it.
    """
    if sample is not None:
        from harness.sources.corpus_cache import CorpusCache
        from harness.sources.sample import SampledSource

        full = open_source(
            name, corpus_from=corpus_from, passage_template=passage_template, cache=cache, progress=progress
        )
        return SampledSource(full, sample, seed=sample_seed, corpora=CorpusCache(cache_root(cache)), progress=progress)
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
    begun: tuple[str, ...] = ()
    if corpus_from is None and passage_template is None:
        official = open_official(name, cache=cache, progress=progress, corpora_too=corpora_too)
        if official.tasks():
            return official
        begun = official.begun()
    elif name == "hub":
        raise UsageError("--corpus-from and --passage-template go with folders in BEIR layout, not with the hub")
    from harness.sources.folder import FolderSource

    try:
        return FolderSource(
            _existing(name), corpus_from=corpus_from, passage_template=passage_template, cache=cache, progress=progress
        )
    except DataError as error:
        if not begun:
            raise
        raise DataError(
            f"{name}: files of {', '.join(begun)} are there, and no subset is complete",
            f"What is missing: harness data {begun[0]} --source {name}",
        ) from error


def open_official(
    name: str, *, cache: Path | None = None, progress: Progress = NO_PROGRESS, corpora_too: bool = True
) -> HubSource | OfficialSource:
    """The source of official files for `name`: the word `hub`, or a folder, whatever it has of them.

    Raises UsageError for a name that is neither.
    """
    if name == "hub":
        from harness.sources.hub.source import HubSource

        return HubSource(cache_root(cache), progress)
    from harness.sources.official.source import OfficialSource

    return OfficialSource(_existing(name), cache_root(cache), progress, corpora_too=corpora_too)


def _existing(name: str) -> Path:
    path = Path(name).expanduser()
    if not name or not path.exists():
        raise UsageError(
            f"source {name!r} is neither 'pocket' nor 'hub' nor an existing folder",
            did_you_mean(name, ["pocket", "hub"]),
        )
    return path
