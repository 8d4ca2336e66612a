"""Strings as the data loaders that mteb's models read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from torch.utils.data import DataLoader

from harness.encoders.protocols import Role
from harness.encoders.text import without_surrogates


def documents(passages: Sequence[str]) -> Any:
    """A corpus as mteb stores one: ids "0", "1", …, no titles, and stripped texts.

    mteb strips every document before a model sees it (`mteb._create_dataloaders._corpus_to_dict`); the passages have
    their titles in them already.
    """
    texts = [without_surrogates(text).strip() for text in passages]
    return Dataset.from_dict({"id": _ids(texts), "title": [""] * len(texts), "text": texts, "body": texts})


def questions(queries: Sequence[str]) -> Any:
    """Queries as mteb stores them: ids "0", "1", … and texts as they are."""
    texts = [without_surrogates(text) for text in queries]
    return Dataset.from_dict({"id": _ids(texts), "text": texts, "query": texts})


def batches(texts: Sequence[str], role: Role, batch_size: int) -> Any:
    """The loader that mteb would give a model for `texts` in `role`, in order."""
    table = questions(texts) if role == "query" else documents(texts)
    return DataLoader(table, batch_size=batch_size, shuffle=False)


def _ids(texts: Sequence[str]) -> list[str]:
    return [str(number) for number in range(len(texts))]
