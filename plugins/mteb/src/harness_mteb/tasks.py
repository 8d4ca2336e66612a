"""The task that an mteb model is told it works for: mteb's models choose their prompts by it."""

from __future__ import annotations

from typing import Any

from mteb import TaskMetadata, get_task, get_tasks
from mteb.abstasks import AbsTaskRetrieval

from harness._util.names import did_you_mean
from harness.errors import UsageError
from harness_mteb.languages import to_code

#: Handed to models with every call; they are names of the data that only logs show.
SPLIT, SUBSET = "test", "default"


class HarnessRetrieval(AbsTaskRetrieval):  # type: ignore[misc]
    """A retrieval task without a prompt of its own.

    It is a class because mteb looks for the prompt of such a task on the class that has its name: models that follow
    instructions read `AbsTaskRetrieval.abstask_prompt`, as for any retrieval task that somebody declares.
    """

    metadata = TaskMetadata(
        name="HarnessRetrieval",
        description="Retrieval as lamir-harness runs it.",
        dataset={"path": "none/none", "revision": "none"},
        type="Retrieval",
        category="t2t",
        modalities=["text"],
        eval_splits=[SPLIT],
        eval_langs=["eng-Latn"],
        main_score="ndcg_at_10",
    )


def metadata_of(task: str | None) -> Any:
    """The `TaskMetadata` of mteb's task, or of a retrieval task that has no name.

    Raises UsageError for a name that mteb does not know.
    """
    if task is None:
        return HarnessRetrieval.metadata
    try:
        return get_task(task).metadata
    except KeyError as error:
        known = [each.metadata.name for each in get_tasks()]
        raise UsageError(f"mteb has no task {task!r}", did_you_mean(task, known)) from error


def in_language(metadata: Any, tag: str | None) -> Any:
    """`metadata` of a task in one language, for models that read it there (mteb's BM25).

    A language that is unknown, to us or to mteb, is English, which is what mteb's own models take it for.
    """
    return metadata.model_copy(update={"eval_langs": [to_code(tag) or "eng-Latn"]})
