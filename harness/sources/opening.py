"""How the word behind `--source` becomes a source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness._util.folders import cache_root
from harness._util.names import did_you_mean
from harness._util.progress import NO_PROGRESS, Progress
from harness.errors import DataError, UsageError
from harness.sources.source import Source

if TYPE_CHECKING:
    from harness.sources.hub.source import HubSource
    from harness.sources.official.source import OfficialSource


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
    root = cache_root(cache)
    if name == "pocket":
        full: Source = _pocket(corpus_from, passage_template)
    elif corpus_from is None and passage_template is None:
        full = _published_or_own(name, root, progress, corpora_too)
    elif name == "hub":
        raise UsageError("--corpus-from and --passage-template go with folders in BEIR layout, not with the hub")
    else:
        from harness.sources.folder import FolderSource

        full = FolderSource(
            _existing(name), corpus_from=corpus_from, passage_template=passage_template, cache=root, progress=progress
        )
    if sample is None:
        return full
    from harness.sources.corpus_cache import CorpusCache
    from harness.sources.sample import SampledSource

    return SampledSource(full, sample, seed=sample_seed, corpora=CorpusCache(root), progress=progress)


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


def _pocket(corpus_from: str | None, passage_template: str | None) -> Source:
    """The embedded collection, which takes no options of folders."""
    if corpus_from is not None:
        raise UsageError(
            "--corpus-from goes with a folder source, not with pocket",
            "The pocket tasks xor-tydi and low-resource are cross-lingual already.",
        )
    if passage_template is not None:
        raise UsageError("the passages of pocket tasks have their template declared; it cannot be changed")
    from harness.sources.pocket import PocketSource

    return PocketSource()


def _published_or_own(name: str, cache: Path, progress: Progress, corpora_too: bool) -> Source:
    """The hub, or a folder: official files where there are any, else data in BEIR layout."""
    official = open_official(name, cache=cache, progress=progress, corpora_too=corpora_too)
    if official.tasks():
        return official
    from harness.sources.folder import FolderSource

    try:
        return FolderSource(_existing(name), cache=cache, progress=progress)
    except DataError as error:
        begun = official.begun()
        if not begun:
            raise
        raise DataError(
            f"{name}: files of {', '.join(begun)} are there, and no subset is complete",
            f"What is missing: harness data {begun[0]} --source {name}",
        ) from error


def _existing(name: str) -> Path:
    path = Path(name).expanduser()
    if not name or not path.exists():
        raise UsageError(
            f"source {name!r} is neither 'pocket' nor 'hub' nor an existing folder",
            did_you_mean(name, ["pocket", "hub"]),
        )
    return path
