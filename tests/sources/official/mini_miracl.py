"""Miniatures of MIRACL's two repositories."""

from __future__ import annotations

from pathlib import Path

from .mini_common import TEXTS, Texts, documents, put, topics, trec

_MORE = tuple((f"{900 + i}#0", "Makala", f"Makala ya {i}.") for i in range(9))

#: By subset. Yoruba has twelve passages, so that its shards, of one passage each, have numbers of two digits.
MIRACL: dict[str, Texts] = {**TEXTS, "yo": TEXTS["yo"]._replace(passages=TEXTS["yo"].passages + _MORE)}


def write_miracl(folder: Path) -> Path:
    """Passages in shards of two (Yoruba: one), topics and judgements of dev."""
    for name, texts in MIRACL.items():
        size = 1 if name == "yo" else 2
        for shard, start in enumerate(range(0, len(texts.passages), size)):
            some = texts.passages[start : start + size]
            put(folder / "miracl-corpus" / f"miracl-corpus-v1.0-{name}" / f"docs-{shard}.jsonl.gz", documents(some))
        inner = f"miracl-v1.0-{name}"
        put(folder / "miracl" / inner / "topics" / f"topics.{inner}-dev.tsv", topics(texts.queries))
        put(folder / "miracl" / inner / "qrels" / f"qrels.{inner}-dev.tsv", trec(texts.qrels))
    return folder
