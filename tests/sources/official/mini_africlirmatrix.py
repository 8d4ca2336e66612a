"""Miniatures of AfriCLIRMatrix's files on GitHub and on the hub."""

from __future__ import annotations

from pathlib import Path

from .mini_common import TEXTS, Texts, jsonl, put, topics, trec

_NAMES = {"en-ibo": ("ibo", "igbo"), "en-ary": ("ary", "moroccan_arabic"), "en-tir": ("tir", "tigrinya")}


def _articles(texts: Texts) -> Texts:
    """`texts` without titles, under numbers, asked by English titles, with grades from 4."""
    ids = {name: str(62443 + i) for i, (name, _, _) in enumerate(texts.passages)}
    asked = dict(zip(texts.queries, ("25019351", "124661"), strict=True))
    return Texts(
        tuple((ids[name], "", text or title) for name, title, text in texts.passages),
        {"25019351": "Oo Na, Mahal Na Kung Mahal", "124661": '1859 "Alabama" gubernatorial election'},
        {asked[q]: {ids[p]: 4 + 2 * g for p, g in grades.items()} for q, grades in texts.qrels.items()},
    )


#: By subset.
AFRICLIRMATRIX: dict[str, Texts] = {
    "en-ibo": _articles(TEXTS["yo"]), "en-ary": _articles(TEXTS["ar"]), "en-tir": _articles(TEXTS["te"])
}  # fmt: skip


def write_africlirmatrix(folder: Path) -> Path:
    """Articles, and topics and judgements in different orders; Igbo has topics that nobody judged."""
    for name, texts in AFRICLIRMATRIX.items():
        code, language = _NAMES[name]
        rows = [{"id": int(i), "contents": text} for i, _, text in texts.passages]
        put(folder / f"africlirmatrix-v1.0-{language}" / "corpus.jsonl", jsonl(rows))
        queries = {"1": "Wood, Missouri", **texts.queries, "2": "Abias"} if code == "ibo" else texts.queries
        github = folder / "africlirmatrix" / "test"
        put(github / "queries" / f"topics.africlirmatrix-v1.0.en.{code}.tsv", topics(queries))
        shuffled = dict(reversed(texts.qrels.items()))
        put(github / "qrels" / f"qrels.africlirmatrix-v1.0.en.{code}.txt", trec(shuffled, " "))
    return folder
