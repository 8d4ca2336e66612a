"""Reading the embedded collection and giving it the shape of each family."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from harness.errors import UsageError
from harness.sources.collection import Asked, Collection, Queries
from harness.sources.corpus import Corpus
from harness.tasks import registry
from harness.tasks.model import Task
from harness.tasks.selection import Selected

#: Changes whenever a text changes.
VERSION = "1"

_TASKS = ("xor-tydi", "mr-tydi", "miracl", "low-resource")


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic in one language; `answers` are English and stand with the English topic."""

    topic: str
    title: str
    passage: str
    question: str
    answers: tuple[str, ...] = ()


@cache
def topics(language: str) -> tuple[Topic, ...]:
    """The forty topics in `language`."""
    rows = _rows(f"topics/{language}.jsonl")
    return tuple(Topic(**{**row, "answers": tuple(row.get("answers", ()))}) for row in rows)


@cache
def distractors() -> tuple[tuple[str, str, str], ...]:
    """The English distractors as (id, title, passage)."""
    return tuple((row["id"], row["title"], row["passage"]) for row in _rows("distractors.jsonl"))


class PocketSource:
    """The embedded collection as a source of the four families."""

    name = "pocket"
    revision: str | None = VERSION
    variant = ""

    def tasks(self) -> tuple[Task, ...]:
        """The four families with every language they declare, without the counts of the full benchmarks."""
        return tuple(
            replace(registry.task(name), splits=(registry.task(name).split,), queries={}, passages={})
            for name in _TASKS
        )

    def asked(self, selected: Selected) -> Asked:
        """Questions, judgements and answers of one subset."""
        return self.load(selected).asked

    def load(self, selected: Selected) -> Collection:
        """One subset: the forty questions of its query language on the passages of its passage language."""
        if selected.task.name not in _TASKS:
            raise UsageError(f"the pocket source has no text for task {selected.task.name!r}")
        asked = topics(selected.subset.query_language)
        answers = None
        if selected.task.name == "xor-tydi":
            answers = {f"{topic.topic}?": topic.answers for topic in topics("en")}
        return Collection(
            corpus=_corpus(selected.subset.passage_language),
            queries=Queries(tuple(f"{t.topic}?" for t in asked), tuple(t.question for t in asked)),
            qrels={f"{topic.topic}?": {topic.topic: 1} for topic in asked},
            answers=answers,
        )


@cache
def _corpus(language: str) -> Corpus:
    rows = [(topic.topic, topic.title, topic.passage) for topic in topics(language)]
    if language == "en":
        rows.extend(distractors())
    ids, titles, texts = zip(*rows, strict=True)
    return Corpus(ids, titles, texts)


def _rows(name: str) -> list[dict[str, Any]]:
    text = (files("harness.sources.pocket") / "data" / name).read_text("utf-8")
    return [json.loads(line) for line in text.splitlines() if line]
