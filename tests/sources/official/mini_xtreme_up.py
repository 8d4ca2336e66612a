"""XTREME-UP retrieval in miniature: two indexes, and questions of a few languages that name the candidate they seek."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .mini_common import pack, put

#: The candidates of each task: (id, title, context); ids are written as numbers where they look like numbers.
INDEX: dict[str, tuple[tuple[str, str, str], ...]] = {
    "retrieval_in_lang": (
        ("7", "గోదావరి", "గోదావరి నది \"రెండవ\" పొడవైన నది.\tఅవును."),
        ("-8044519482735201243", "", "Mto Kagera unaingia\u2028Ziwa Victoria. "),
        ("bn-1", "ঢাকা", "ঢাকা বাংলাদেশের রাজধানী।\r\nIt Is OLD."),
        ("ar-1", "القاهرة", "القاهرة عاصمة مصر.\u200f"),
    ),
    "retrieval_cross_lang": (
        ("12", "Dhaka", "DHAKA is the capital.\n\nIt is OLD."),
        ("13", "", "The Godavari (\"Ganga\") is the second longest river."),
        ("x y", "O\u0323\u0300yo\u0323\u0301", "A town."),
    ),
}  # fmt: skip

#: The questions by task, split and language: (id of the candidate, question), in the order of their file.
ASKED: dict[tuple[str, str, str], tuple[tuple[str, str], ...]] = {
    ("retrieval_in_lang", "test", "sw"): (
        ("-8044519482735201243", "Mto KAGERA unaingia wapi? "),
        ("-8044519482735201243", "Mto KAGERA unaingia wapi? "),
    ),
    ("retrieval_in_lang", "test", "te"): (("7", "పొడవైన\u200c నది ఏది?"),),
    ("retrieval_in_lang", "dev", "te"): (("7", "\"నది\" ఏది?"), ("bn-1", "ఢాకా ఎక్కడ?")),
    ("retrieval_cross_lang", "test", "as"): (("13", "দ্বিতীয় দীঘল নদী কোনখন?"), ("12", "ৰাজধানী কি?"), ("x y", "কʼত?")),
    ("retrieval_cross_lang", "test", "te"): (("12", "రాజధాని ఏది?"),),
}  # fmt: skip


def _id(name: str) -> str | int:
    return int(name) if name.lstrip("-").isdigit() else name


def jsonl(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as JSON lines in ASCII, the last one without a line end."""
    return "\n".join(json.dumps(row) for row in rows).encode()


def write_xtreme_up(folder: Path, *, packed: bool = False, dev: str = "dev", root: str = "xtreme_up_v1.1") -> Path:
    """The files of both tasks below `folder/root`, or in the archive; `dev` is the name of that split's folder."""
    for task, candidates in INDEX.items():
        rows = ({"id": _id(name), "title": title, "context": text} for name, title, text in candidates)
        put(folder / root / task / "index.jsonl", jsonl(rows))
    for (task, split, language), questions in ASKED.items():
        texts = {name: (title, text) for name, title, text in INDEX[task]}
        asked = (
            {"id": _id(name), "title": texts[name][0], "context": texts[name][1], "question": question}
            for name, question in questions
        )
        put(folder / root / task / (dev if split == "dev" else split) / f"{language}.jsonl", jsonl(asked))
    if packed:
        pack(folder / root, folder / "xtreme-up-v1.1.jsonl.tgz")
        for path in sorted((folder / root).rglob("*"), reverse=True):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()
        (folder / root).rmdir()
    return folder
