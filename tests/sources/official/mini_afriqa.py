"""AfriQA in miniature: a clone of its repository, and the Wikipedia passages of the hub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]

HA = "data/{}/hau/{}.afriqa.hau.en.{}.json"
FR = "data/{}/fon/{}.afriqa.fon.fr.{}.json"
YO = "data/{}/yor/{}.afriqa.yor.en.{}.json"


def gold(number: int, question: str, context: str | None, title: str | None = "T", answer: str = "x") -> Row:
    """A row of a file with gold passages."""
    start = -1 if context is None or answer not in context else context.index(answer)
    return {
        "answer_pivot": {"answer_start": [start], "text": [answer]}, "context": context, "id": str(number),
        "question_lang": question, "question_translated": f"{question} (translated)", "title": title,
        "answer_lang": answer,
    }  # fmt: skip


def asked(number: int, question: str, answer: str, language: str, own: str = "['x']") -> Row:
    """A row of a file with questions: ids are numbers here, and answers what looks like a list."""
    return {
        "id": number, "question": question, "translated_question": f"{question} (translated)", "answers": own,
        "lang": language, "split": "dev", "translated_answer": answer, "translation_type": "human_translation",
    }  # fmt: skip


LONDON = 'Headquartered at Broadcasting House in  London, it is\tthe "oldest" broadcaster. '
KANO = "Dalla Hill existed from prior to 1000 AD to 1349."

#: Path below the repository → rows. Questions share a passage, have none (their id is skipped over), or two; titles are
#: null; two questions are one text.
GOLD: dict[str, tuple[Row, ...]] = {
    HA.format("gold_passages", "gold_span_passages", "dev"): (
        gold(0, "Yayan Micheal Jackson nawa?", LONDON, "BBC", "London"),
        gold(1, "A wane gari BBC yake?", None, None),
        gold(2, "Ina babban ofishin BBC?", LONDON, "British Broadcasting Corporation", "London"),
        gold(3, "Menene yaren mutanen jahar Kano?", KANO, None),
        gold(3, "Menene yaren mutanen jahar Kano?", "Kano city uses the Hausa language.", "Kano State"),
        gold(7, "Yayan Micheal Jackson nawa?", KANO + " ", " Kano State"),
    ),
    HA.format("gold_passages", "gold_span_passages", "test"): (gold(0, "Ina?", "Nan.", ""),),
    FR.format("gold_passages", "gold_span_passages", "dev"): (
        gold(0, "Fí tɛ Cordoba ɖé ?", "Cordoue est une ville du sud de l'Espagne.", "Cordoue"),
    ),
    YO.format("gold_passages", "gold_span_passages", "test"): (
        gold(0, "Kini iye awọn osisẹ́ ileese ọ̀run?", None, None),
        gold(1, "Igbawo ni Popu John Paul II ku ?", "He died in 2005.", " Pope John Paul II"),
    ),
}  # fmt: skip

QUESTIONS: dict[str, tuple[Row, ...]] = {
    HA.format("queries", "queries", "dev"): (
        asked(0, "Ina babban ofishin BBC?", "['London']", "hau"),
        asked(1, "Su wanene?", "['Ishyaka ry'Abaturage (PP)']", "hau"),
        asked(2, "Yaushe?", "[]", "hau", "[]"),
        asked(3, " Ina ne? ", "[' \"Kano\"  State,']", "hau"),
    ),
    FR.format("queries", "queries", "dev"): (asked(0, "Fí tɛ Cordoba ɖé ?", "['l'Espagne']", "fon"),),
    YO.format("queries", "queries", "test"): (asked(0, "Kini Ọ̀yọ́?", "['a state']", "yor"),),
}

#: docid, title, text.
ENGLISH = (
    ("1", "BBC", "BBC The BBC is headquartered in LONDON"),
    ("2", "Kano State", 'In "Kano" State, Hausa'),
    ("3", "", "Ìṣẹ̀ṣe"),
)
FRENCH = (("1", "Cordoue", "Cordoue est au sud de l’Espagne"), ("2", "Bénin", "À l'Espagne, non"))

ENGLISH_CORPUS = "masakhane_wiki_100-english/corpus.jsonl"
FRENCH_CORPUS = "masakhane_wiki_100-french/corpus.jsonl"


def write_afriqa(folder: Path, files: dict[str, tuple[Row, ...]] | None = None) -> Path:
    """Write a clone of the repository to `folder` and return it; the last rows have no line ends."""
    for name, rows in (GOLD | QUESTIONS if files is None else files).items():
        _write(folder / "afriqa-main" / name, rows)
    return folder


def write_afriqa_passages(folder: Path) -> Path:
    """Write the corpora of the hub to `folder` and return it."""
    for name, passages in ((ENGLISH_CORPUS, ENGLISH), (FRENCH_CORPUS, FRENCH)):
        _write(folder / name, [{"docid": docid, "text": text, "title": title} for docid, title, text in passages])
    return folder


def _write(path: Path, rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
