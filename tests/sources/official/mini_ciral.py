"""Miniatures of CIRAL's two repositories, with their oddities."""

from __future__ import annotations

from pathlib import Path

from .mini_common import TEXTS, Texts, documents, put, topics, trec

_CODES = {"en-so": ("so", "somali"), "en-sw": ("sw", "swahili"), "en-yo": ("yo", "yoruba")}
_QUERIES = ('"Who sings ""Twice as Tall""?"', "What is the capital of Oyo State? ")


def _news(texts: Texts) -> Texts:
    """`texts` under the ids of news passages, asked in English."""
    names = dict(zip(texts.queries, ("509", "23"), strict=True))
    return Texts(
        tuple((f"VOA#{name}", title, text) for name, title, text in texts.passages),
        dict(zip(names.values(), _QUERIES, strict=True)),
        {names[q]: {f"VOA#{p}": grade for p, grade in grades.items()} for q, grades in texts.qrels.items()},
    )


#: By subset. The same queries on every split; the pools of test-a judge one passage more.
CIRAL: dict[str, Texts] = {"en-so": _news(TEXTS["ar"]), "en-sw": _news(TEXTS["te"]), "en-yo": _news(TEXTS["yo"])}


def pools(texts: Texts) -> dict[str, dict[str, int]]:
    """The deeper judgements of test-a."""
    return {query: {**grades, texts.passages[0][0]: 1} for query, grades in texts.qrels.items()}


def write_ciral(folder: Path) -> Path:
    """Passages (and their English translations, which nobody must read), topics and judgements of all splits."""
    for name, texts in CIRAL.items():
        code, language = _CODES[name]
        corpus = folder / "ciral-corpus"
        news = documents(texts.passages, url="https:\\/\\/example.org")
        put(corpus / "passages-v1.0" / f"{language}_passages.jsonl", news)
        english = [(i, "Title", f"Translated: {i}") for i, _, _ in texts.passages]
        put(corpus / "translated-passages-v1.0" / f"{language}_passages.jsonl", documents(english))
        asked = folder / "ciral" / f"ciral-{language}"
        for split in ("dev", "test-a", "test-b"):
            put(asked / "topics" / f"topics.ciral-v1.0-{code}-{split}.tsv", topics(texts.queries))
            native = dict.fromkeys(texts.queries, "Kí ni?")
            put(asked / "topics" / f"topics.ciral-v1.0-{code}-{split}-native.tsv", topics(native))
            # A tab or two too many at the ends of some lines.
            qrels = trec(texts.qrels).replace(b"\t0\n", b"\t0\t\t\n")
            put(asked / "qrels" / f"qrels.ciral-v1.0-{code}-{split}.tsv", qrels)
        put(asked / "qrels" / f"qrels.ciral-v1.0-{code}-test-a-pools.tsv", trec(pools(texts)))
    return folder
