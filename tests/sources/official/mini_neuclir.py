"""Miniatures of NeuCLIR's files."""

from __future__ import annotations

from pathlib import Path

from .mini_common import Texts, jsonl, pack, put, trec

_CODES = {"en-fa": "fas", "en-ru": "rus"}
_TITLES = {"100": ("New fish", "Which species were found?"), "114": ("Budget", 'Who approved the "budget"? ')}

#: By subset. The Russian collection has a document without anything in it, as the real one has.
NEUCLIR: dict[str, Texts] = {
    "en-fa": Texts(
        (("e0c3-1", "خبر", "دانشمندان گونهٔ تازه‌ای از ماهی یافتند."), ("e0c3-2", "", "بودجه تصویب شد.\n\nپایان.")),
        {"114": 'Budget Who approved the "budget"? '},
        {"114": {"e0c3-2": 3, "e0c3-1": 0}},
    ),
    "en-ru": Texts(
        (("00017", "Новости", "Учёные нашли новый вид рыб."), ("9f31", "Погода", ""), ("9f32", "", "")),
        {"100": "New fish Which species were found?", "114": 'Budget Who approved the "budget"? '},
        {"100": {"00017": 1, "9f32": 0}, "114": {"9f31": 3}},
    ),
}


def write_neuclir(folder: Path, *, packed: bool = False) -> Path:
    """Documents in two languages, the topics of all and the judgements of all; `packed`: NIST's archive."""
    topics = [
        {
            "topic_id": topic,
            "languages_with_qrels": ["fas", "rus", "zho"],
            "topics": [
                {"lang": lang, "source": source, "topic_title": f"{mark}{title}", "topic_description": f"{mark}{text}"}
                for lang, source, mark in (("fas", "human translation", "! "), ("eng", "original", ""))
            ],
        }
        for topic, (title, text) in {**_TITLES, "999": ("Nobody", "judged it.")}.items()
    ]
    put(folder / "topics.0720.utf8.jsonl", jsonl(topics))
    judged = [trec(texts.qrels, " ", _CODES[name]) for name, texts in NEUCLIR.items()]
    put(folder / "2022-qrels.all", b"\n".join(judged))
    for name, texts in NEUCLIR.items():
        rows = [
            {"id": i, "cc_file": "crawl", "time": None, "title": title, "text": text, "url": "https://example.org"}
            for i, title, text in texts.passages
        ]
        code = _CODES[name]
        path = folder / "neuclir1" / code / "docs.jsonl" if packed else folder / f"data/{code}-00000-of-00001.jsonl.gz"
        put(path, jsonl(rows))
    if packed:
        pack(folder / "neuclir1", folder / "neuclir1.tar.gz")
        for path in (folder / "neuclir1").glob("*/*"):
            path.unlink()
    return folder
