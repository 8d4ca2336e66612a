"""MKQA in miniature: Apple's file of questions, and DPR's Wikipedia."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .mini_w100 import Style, w100, write_w100

QUESTIONS = "mkqa.jsonl"
CORPUS = "psgs_w100.tsv"

_LANGUAGES = "ar da de en es fi fr he hu it ja km ko ms nl no pl pt ru sv th tr vi zh_cn zh_hk zh_tw".split()


def example(number: int, text: str, answers: Sequence[dict[str, Any]], **queries: str) -> dict[str, Any]:
    """One example; languages without a query of their own have `text` after their code, and answers nobody reads."""
    return {
        "query": text,
        "answers": {code: [{"type": "short_phrase", "text": f"{code}!"}] for code in _LANGUAGES}
        | {"en": list(answers)},
        "queries": {code: f"{code}: {text}" for code in _LANGUAGES} | {"en": text, **queries},
        "example_id": number,
    }


def entity(text: str, *aliases: str) -> dict[str, Any]:
    """An answer with an entity of Wikidata."""
    return {"type": "entity", "entity": "Q3870", "text": text, "aliases": list(aliases)}


#: Every type of answer; several answers whose last is kept, and whose last is not; ids that no float holds.
ROWS: tuple[dict[str, Any], ...] = (
    example(
        563260143484355911, "what is the capital of kenya", [entity("Nairobi", "Najrobi")], th="เคนยา\u200bเมืองหลวง"
    ),
    example(-7706921863539240112, "how many staff has wikimedia", [{"type": "number", "text": "550"}]),
    example(3, "is nairobi a city", [{"type": "binary", "text": "yes"}]),
    example(4, "who will win", [{"type": "unanswerable", "text": None}]),
    example(5, "why is it green", [{"type": "long_answer", "text": None}]),
    example(6, "when was heroes recorded", [entity("Low"), {"type": "date", "text": "1977", "aliases": []}]),
    example(7, "one that ends in a long answer", [entity("Nairobi"), {"type": "long_answer", "text": None}]),
    example(8, "one that begins with one", [{"type": "unanswerable", "text": None}, entity("Kampala")]),
    example(9, "how tall", [{"type": "number_with_unit", "text": "5 feet"}], ar="كم طوله؟"),
    example(10, "what of", [{"type": "short_phrase", "text": 'the "sun"'}], zh_cn="什么？"),
)

#: Example → answers, as Contriever's script has them.
KEPT: dict[str, tuple[str, ...]] = {
    "563260143484355911": ("Najrobi", "Nairobi"),
    "-7706921863539240112": ("550",),
    "6": ("Low", "1977"),
    "8": ("Kampala",),
    "9": ("5 feet",),
    "10": ('the "sun"',),
}


def write_mkqa(
    folder: Path, rows: Sequence[dict[str, Any]] = ROWS, *, style: Style = "csv", zipped: bool = True
) -> Path:
    """Write questions and corpus below `folder` and return it; the last question has no line end."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    write_w100(folder / "dataset" / QUESTIONS, "\n".join(lines).encode(), zipped=zipped)
    write_w100(folder / CORPUS, w100(style=style), zipped=zipped)
    return folder
