"""Wikipedia in passages of 100 words, in the ways such files are written."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

#: id, text, title.
Row = tuple[str, str, str]
Style = Literal["csv", "all", "but-the-id", "bare"]

STYLES: tuple[Style, ...] = ("csv", "all", "but-the-id", "bare")

#: What is legal in both ways of writing: quotes anywhere, scripts, marks that are not composed, no title, spaces.
PASSAGES: tuple[Row, ...] = (
    ("1", 'Nairobi Nairobi is the "green city in the sun", the capital of Kenya.', "Nairobi"),
    ("2", '"Heroes" was recorded in West Berlin in 1977', '"Heroes" (David Bowie album)'),
    ("3", "Ìbàdàn is the capital of Ọ̀yọ́ State.", ""),
    ("5", " กรุงเทพ is the Thai name; తెలుగు and العربية are scripts.\u00a0", "Bangkok "),
    ("18003200", 'A text that ends in a quote: "Ndiyo"', "People's 'Words', 5\" long"),
    ("6", "Wikimedia is in San Francisco, California, with 550 staff", "Wikimedia Foundation"),
)


def w100(
    rows: Sequence[Row] = PASSAGES, style: Style = "csv", *, header: bool = True, end: str = "\n", last: bool = True
) -> bytes:
    """A file of `rows`; `end` ends each line, the last one where `last` is true."""
    lines = [("id", "text", "title"), *rows] if header else list(rows)
    if style == "bare":
        text = "".join("\t".join(line) + end for line in lines)
    else:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter="\t", lineterminator=end, quoting=_quoting(style)).writerows(
            [(int(line[0]) if style == "but-the-id" and line[0].isdigit() else line[0], *line[1:]) for line in lines]
        )
        text = out.getvalue()
    return (text if last else text.removesuffix(end)).encode()


def write_w100(path: Path, data: bytes, *, zipped: bool = False) -> Path:
    """Write `data` to `path`, with `.gz` after its name where `zipped`, and return where it went."""
    path = path.with_name(path.name + ".gz") if zipped else path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if zipped else data)
    return path


def _quoting(style: Style) -> Literal[0, 1, 2]:
    return {"csv": csv.QUOTE_MINIMAL, "all": csv.QUOTE_ALL, "but-the-id": csv.QUOTE_NONNUMERIC}[style]
