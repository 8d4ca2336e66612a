"""What every subset needs, where it was found, and whether it is what was published.

`official/manifest.json` holds, by `task/subset/split`, the counts of queries and judgements and the hash of both, made
from the official files with `harness data manifest`. Counts of passages stand in the task declarations.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias

from harness.errors import DataError
from harness.sources.collection import Asked
from harness.sources.hub.mteb_tasks import MTEB_TASKS
from harness.sources.hub.source import HubSource
from harness.sources.official.layout import HubFile, Url
from harness.sources.official.source import OfficialSource, count_queries
from harness.tasks.selection import Selected

PublishedFiles: TypeAlias = HubSource | OfficialSource

#: `unknown` has nothing to compare with, `missing` is not here, and `failed` cannot be read.
Status = Literal["ok", "differs", "unknown", "missing", "failed"]


@dataclass(frozen=True)
class Item:
    """One part of one subset: what it is called, where it is published, and the files found, none where missing.

    `kind` is corpus, queries or qrels, or `all` for a copy that comes in one piece. `size` is in bytes, None where the
    part is missing.
    """

    selected: Selected
    kind: str
    name: str
    origins: tuple[str, ...]
    found: tuple[str, ...]
    size: int | None


@dataclass(frozen=True)
class Check:
    """One comparison with what was published."""

    selected: Selected
    what: str
    expected: str
    found: str
    status: Status


def inventory(source: PublishedFiles, selected: Iterable[Selected]) -> Iterator[Item]:
    """What each of `selected` needs of `source`. Nothing is fetched and no corpus is read."""
    for item in selected:
        yield from _items(source, item)


def verify(source: PublishedFiles, selected: Iterable[Selected]) -> Iterator[Check]:
    """Compare the counts and the content of what is here with what was published, as far as that is known.

    Nothing is fetched. Of a subset that lacks its corpus, queries and judgements are compared all the same.
    """
    for item in selected:
        parts = list(_items(source, item))
        missing = [part for part in parts if not part.found]
        for part in missing:
            yield Check(
                item, "corpus, queries and qrels" if part.kind == "all" else part.kind, part.name, "", "missing"
            )
        try:
            if not missing:
                collection = source.load(item)
                yield _compare(item, "passages", item.task.passages.get(item.subset.name), len(collection.corpus))
                yield from _asked_checks(item, collection.asked)
            elif all(part.kind == "corpus" for part in missing):
                yield from _asked_checks(item, source.asked(item))
        except DataError as error:
            yield Check(item, "readable", "", error.message, "failed")


def facts(item: Selected, asked: Asked) -> dict[str, Any]:
    """The entry of the manifest for one subset."""
    judgements = sum(map(len, asked.qrels.values()))
    return {"queries": count_queries(item.task, asked), "judgements": judgements, "sha256": asked.fingerprint}


def key(item: Selected) -> str:
    """The name of a subset in the manifest."""
    return f"{item.label}/{item.split}"


@cache
def manifest() -> dict[str, dict[str, Any]]:
    """The manifest that ships with the package."""
    text = (files("harness.sources.official") / "manifest.json").read_text("utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def _items(source: PublishedFiles, item: Selected) -> Iterator[Item]:
    if isinstance(source, HubSource) and (copy := source.mteb_copy(item)):
        known, kept = MTEB_TASKS[item.task.name], copy.files()
        name = f"{known.subset(item.subset.name)}-{{corpus,queries,qrels}}"
        size = sum(path.stat().st_size for path in kept) if kept else None
        yield Item(item, "all", name, (str(copy),), tuple(map(str, kept)), size)
        return
    for held in source.held(item):
        size = sum(file.size for file in held.files) if held.files else None
        origins = tuple(map(_shown_origin, held.part.origins))
        yield Item(item, held.part.kind, held.part.names[0], origins, tuple(map(str, held.files)), size)


def _shown_origin(origin: HubFile | Url) -> str:
    return f"{origin} (gated)" if isinstance(origin, HubFile) and origin.gated else str(origin)


def _asked_checks(item: Selected, asked: Asked) -> Iterator[Check]:
    """Queries and judgements against the declaration and the manifest."""
    published, found = manifest().get(key(item), {}), facts(item, asked)
    declared = item.task.queries.get((item.subset.name, item.split), published.get("queries"))
    yield _compare(item, "queries", declared, found["queries"])
    yield _compare(item, "judgements", published.get("judgements"), found["judgements"])
    yield _compare(item, "content of queries and judgements", published.get("sha256"), found["sha256"])


def _compare(item: Selected, what: str, expected: object, found: object) -> Check:
    status: Status = "unknown" if expected is None else "ok" if expected == found else "differs"
    return Check(item, what, _shown(expected), _shown(found), status)


def _shown(value: object) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
