"""XOR-Retrieve in miniature: the files of its site, unchanged in name and form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .mini_w100 import PASSAGES, Style, w100, write_w100

QUESTIONS = "xor_dev_retrieve_eng_span_v1_1.jsonl"
CORPUS = "enwiki_20190201_w100.tsv"

#: Rows of the dev file: yes/no questions among them, answers that the tokenizer breaks, ids beyond 2**53 and below 0.
ROWS: tuple[dict[str, Any], ...] = (
    {"id": "7606160988275694755", "question": "ما هي عاصمة كينيا؟", "answers": ["Nairobi"], "lang": "ar"},
    {"id": "-118", "question": "هل نيروبي عاصمة كينيا؟", "answers": ["yes"], "lang": "ar"},
    {"id": "7", "question": "కెన్యా రాజధాని ఏది?\u200c ", "answers": ["yes", "Nairobi"], "lang": "te"},
    {"id": "8", "question": "వికీమీడియా ఎక్కడ ఉంది?", "answers": ["San Francisco, California"], "lang": "te"},
    {"id": "9", "question": "Mikä on “Heroes”?", "answers": ["no", "no"], "lang": "fi"},
    {"id": "10", "question": 'Milloin "Heroes" julkaistiin?', "answers": ["1977", "October 1977"], "lang": "fi"},
)


def write_xor_tydi(
    folder: Path,
    rows: tuple[dict[str, Any], ...] = ROWS,
    *,
    corpus: bytes | None = None,
    style: Style = "csv",
    zipped: bool = False,
) -> Path:
    """Write questions and corpus below `folder` and return it; the last question has no line end."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    write_w100(folder / QUESTIONS, "\n".join(lines).encode(), zipped=zipped)
    data = w100(PASSAGES, style, header=False) if corpus is None else corpus  # as the authors' own script writes it
    write_w100(folder / "models" / CORPUS, data, zipped=zipped)
    return folder
