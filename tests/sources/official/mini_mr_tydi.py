"""Miniatures of Mr.TyDi's files: the archives, what the hub has, and what anserini ships."""

from __future__ import annotations

from pathlib import Path

from .mini_common import TEXTS, Texts, documents, jsonl, pack, put, topics, trec

#: By subset. The judgements of Mr.TyDi are all positive.
MR_TYDI: dict[str, Texts] = {
    name: texts._replace(qrels={q: {p: 1 for p, g in grades.items() if g} for q, grades in texts.qrels.items()})
    for name, texts in {"ar": TEXTS["ar"], "te": TEXTS["te"], "th": TEXTS["yo"]}.items()
}
_LANGUAGES = {"ar": "arabic", "te": "telugu", "th": "thai"}


def write_mr_tydi(folder: Path, *, packed: bool = False, splits: tuple[str, ...] = ("dev", "test")) -> Path:
    """`mrtydi-v1.1-<language>` for three languages, as folders or as the archives they come in."""
    for name, texts in MR_TYDI.items():
        root = folder / f"mrtydi-v1.1-{_LANGUAGES[name]}"
        rows = [{"id": i, "contents": f"{title}\n\n{text}"} for i, title, text in texts.passages]
        put(root / "collection" / "docs.jsonl.gz", jsonl(rows))
        for split in splits:
            put(root / f"topic.{split}.tsv", topics(texts.queries))
            put(root / f"qrels.{split}.txt", trec(texts.qrels))
        put(root / "topic.tsv", topics(texts.queries))
        put(root / "qrels.txt", trec(texts.qrels))
        if packed:
            pack(root, folder / "archives" / f"{root.name}.tar.gz")
    return folder / "archives" if packed else folder


def write_mr_tydi_hub(folder: Path, *, splits: tuple[str, ...] = ("dev", "test")) -> Path:
    """The same texts as castorini/mr-tydi-corpus and castorini/mr-tydi have them."""
    for name, texts in MR_TYDI.items():
        inner = f"mrtydi-v1.1-{_LANGUAGES[name]}"
        put(folder / "mr-tydi-corpus" / inner / "corpus.jsonl.gz", documents(texts.passages))
        rows = [
            {
                "query_id": query,
                "query": text,
                "positive_passages": [{"docid": p, "title": "", "text": ""} for p in texts.qrels[query]],
                "negative_passages": [{"docid": "1#1", "title": "", "text": ""}],
            }
            for query, text in texts.queries.items()
        ]
        for split in splits:
            put(folder / "mr-tydi" / inner / f"{split}.jsonl.gz", jsonl(rows))
    return folder
