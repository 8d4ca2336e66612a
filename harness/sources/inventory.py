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
from typing import Any

from harness.errors import HarnessError
from harness.metrics import parse
from harness.metrics.xor import scored_answers
from harness.sources.collection import Asked
from harness.sources.hub.mteb_tasks import MTEB_TASKS
from harness.sources.hub.source import HubSource
from harness.sources.official.source import OfficialSource
from harness.sources.source import Source
from harness.tasks.selection import Selected


@dataclass(frozen=True)
class Item:
    """One part of one subset: what it is called, where it is published, and the files found, none where missing.

    `size` is in bytes, None where it is not known.
    """

    selected: Selected
    kind: str
    name: str
    origins: tuple[str, ...]
    found: tuple[str, ...]
    size: int | None


@dataclass(frozen=True)
class Check:
    """One comparison with what was published: `status` is ok, differs, unknown (nothing to compare with) or failed."""

    selected: Selected
    what: str
    expected: str
    found: str
    status: str


def inventory(source: Source, selected: Iterable[Selected]) -> Iterator[Item]:
    """What each of `selected` needs of `source`. Nothing is fetched and no corpus is read."""
    for item in selected:
        if isinstance(source, HubSource) and item.task.name in MTEB_TASKS:
            known = MTEB_TASKS[item.task.name]
            found = source.loaded(item)
            name = f"{known.subset(item.subset.name)}-{{corpus,queries,qrels}}"
            yield Item(item, "all", name, (f"{known.repo}@{known.revision[:8]}",), found, None)
        elif isinstance(source, (HubSource, OfficialSource)):
            for held in source.held(item):
                origins = tuple(map(str, held.part.origins))
                size = sum(file.size for file in held.files) if held.files else None
                yield Item(item, held.part.kind, held.part.names[0], origins, tuple(map(str, held.files)), size)
        else:
            yield Item(item, "all", item.label, (), (source.name,), None)


def verify(source: Source, selected: Iterable[Selected]) -> Iterator[Check]:
    """Read each of `selected` and compare counts and content with what was published, as far as that is known."""
    for item in selected:
        try:
            collection = source.load(item)
        except HarnessError as error:
            yield Check(item, "readable", "", str(error), "failed")
            continue
        asked, task, name = collection.asked, item.task, item.subset.name
        published = manifest().get(key(item), {})
        yield _compare(item, "passages", task.passages.get(name), len(collection.corpus))
        yield _compare(item, "queries", task.queries.get((name, item.split)), _queries(item, asked))
        yield _compare(item, "judgements", published.get("judgements"), sum(map(len, asked.qrels.values())))
        yield _compare(item, "content of queries and judgements", published.get("sha256"), asked.fingerprint)


def facts(item: Selected, asked: Asked) -> dict[str, Any]:
    """The entry of the manifest for one subset."""
    judgements = sum(map(len, asked.qrels.values()))
    return {"queries": _queries(item, asked), "judgements": judgements, "sha256": asked.fingerprint}


def key(item: Selected) -> str:
    """The name of a subset in the manifest."""
    return f"{item.label}/{item.split}"


@cache
def manifest() -> dict[str, dict[str, Any]]:
    """The manifest that ships with the package."""
    text = (files("harness.sources.official") / "manifest.json").read_text("utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def _queries(item: Selected, asked: Asked) -> int:
    """Queries as the benchmark counts them: XOR-Retrieve counts the ones it scores."""
    by_tokens = parse(item.task.main_metric).kind == "token-recall"
    return len(scored_answers(asked.answers or {}) if by_tokens else asked.queries)


def _compare(item: Selected, what: str, expected: object, found: object) -> Check:
    status = "unknown" if expected is None else "ok" if expected == found else "differs"
    return Check(item, what, _shown(expected), _shown(found), status)


def _shown(value: object) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
