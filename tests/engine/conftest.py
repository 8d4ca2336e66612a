"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from harness.engine.plan import Job
from harness.sources.collection import Collection, Queries
from harness.sources.corpus import Corpus
from harness.tasks.model import Subset, Task
from harness.tasks.selection import Selected


@pytest.fixture
def make_job() -> Callable[..., Job]:
    """A function that builds a job from plain dictionaries."""

    def make(
        corpus: Mapping[str, str],
        queries: Mapping[str, str],
        qrels: Mapping[str, Mapping[str, int]],
        *,
        answers: Mapping[str, Sequence[str]] | None = None,
        metrics: tuple[str, ...] = ("ndcg@10",),
        titles: Mapping[str, str] | None = None,
        subset: Subset = Subset("sw", "sw", "sw"),
        split: str = "dev",
        **task: Any,
    ) -> Job:
        declared = Task(
            **{
                "name": "toy-task",
                "title": "Toy",
                "family": "toy",
                "subsets": (subset,),
                "splits": (split,),
                "split": split,
                "metrics": metrics,
                "averages": (),
                "passage_template": "{text}",
                "licence": "",
                "url": "",
                "citation": "",
                "summary": "",
                **task,
            }
        )
        passages = Corpus(list(corpus), [(titles or {}).get(i, "") for i in corpus], list(corpus.values()))
        asked = Queries(tuple(queries), tuple(queries.values()))
        return Job(Selected(declared, subset, split), Collection(passages, asked, qrels, answers))

    return make
