"""Belebele in miniature: four variants, whose files are in different orders, and a question that is there twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .mini_common import pack, put

#: By variant: (link, question number, passage, question), in the order of its file.
BELEBELE: dict[str, list[tuple[str, int, str, str]]] = {
    "eng_Latn": [
        ("https://en.wikinews.org/wiki/Water", 1, "Water boils.\n\nIt \"boils\" at 100\u00b0 C. ", "When does it?"),
        ("https://en.wikinews.org/wiki/Cairo", 1, "Cairo lies on the Nile.\tIt is old.", "What lies on the Nile?"),
        ("https://en.wikinews.org/wiki/Water", 2, "Water boils.\n\nIt \"boils\" at 100\u00b0 C. ", "What boils?"),
        ("https://en.wikibooks.org/wiki/Drum/1", 2, "A drum speaks.", "What speaks, and to whom? "),
    ],
    "arb_Arab": [
        ("https://en.wikinews.org/wiki/Cairo", 1, "القاهرة تقع على النيل.\u200f", "ما الذي يقع على النيل؟"),
        ("https://en.wikinews.org/wiki/Water", 2, "الماء \"يغلي\" عند ١٠٠°م.", "ما الذي يغلي؟"),
        ("https://en.wikinews.org/wiki/Water", 1, "الماء \"يغلي\" عند ١٠٠°م.", "متى يغلي؟"),
        ("https://en.wikibooks.org/wiki/Drum/1", 2, "الطبل يتكلم.", "من يتكلم؟"),
    ],
    "tha_Thai": [
        ("https://en.wikibooks.org/wiki/Drum/1", 2, "กลองพูดได้\u2028และร้องได้", "อะไรพูดได้"),
        ("https://en.wikinews.org/wiki/Water", 1, "น้ำเดือดที่ ๑๐๐ องศา", "น้ำเดือดเมื่อไร"),
        ("https://en.wikinews.org/wiki/Water", 2, "น้ำเดือดที่ ๑๐๐ องศา", "อะไรเดือด"),
        ("https://en.wikinews.org/wiki/Cairo", 1, "ไคโรตั้งอยู่ริมแม่น้ำไนล์", "อะไรอยู่ริมแม่น้ำไนล์"),
    ],
    "yor_Latn": [
        ("https://en.wikinews.org/wiki/Water", 2, "Omi n\u0301 ho\u0301.", "Ki\u0301 ni o\u0301?"),
        ("https://en.wikibooks.org/wiki/Drum/1", 2, "Ìlù ń sọ̀rọ̀.", "Ta ni ń sọ̀rọ̀?"),
        ("https://en.wikinews.org/wiki/Water", 1, "Omi n\u0301 ho\u0301.", "Nígbà wo ni omi ń hó?"),
        ("https://en.wikinews.org/wiki/Cairo", 1, "Káírò wà lẹ́bàá Náìlì.", "Ki\u0301 ni o\u0301?"),
    ],
}  # fmt: skip


def rows(variant: str) -> list[dict[str, Any]]:
    """The rows of one variant, every field of them."""
    return [
        {
            "link": link, "question_number": number, "flores_passage": passage, "question": question,
            **{f"mc_answer{i}": f"{i}." for i in range(1, 5)},
            "correct_answer_num": "1", "dialect": variant, "ds": "2023-05-03",
        }
        for link, number, passage, question in BELEBELE[variant]
    ]  # fmt: skip


def write_belebele(folder: Path, *, packed: bool = False, inner: str = "Belebele") -> Path:
    """The files of Belebele below `folder/inner`, or in `folder/Belebele.zip`; slashes are escaped in them."""
    for variant in BELEBELE:
        lines = (json.dumps(row, ensure_ascii=False).replace("/", "\\/") for row in rows(variant))
        put(folder / inner / f"{variant}.jsonl", "\n".join(lines).encode())
    if packed:
        pack(folder / inner, folder / "Belebele.zip")
        for path in (folder / inner).iterdir():
            path.unlink()
        (folder / inner).rmdir()
    return folder
