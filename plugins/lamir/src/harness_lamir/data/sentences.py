"""Where a text is cut into sentences: one simple rule for all languages.

A sentence ends

* at a line break;
* behind `.`, `!`, `?` or `…`, and closing quotes and brackets that follow, where white space comes next and the letter
  behind it is no small one ("e.g. this" goes on);
* behind an end mark of another script (`。！？` of East Asia, the danda `।`, Arabic `؟` and `۔`, Ethiopic `።`,
  Burmese `။`, Khmer `។`, Armenian `։`), whatever comes next.

Abbreviations before names ("Dr. Smith") are cut, and Thai and Lao, which mark no ends, are cut at line breaks alone:
whoever needs better gives sentences rather than texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["split"]

_CLOSING = r"[\"'”’»)\]）」』】》]*"
_END = re.compile(rf"(?:[.!?…]+{_CLOSING}(?=\s+(\S))|[。！？｡।॥؟۔።፧፨။។៕։]+{_CLOSING})")


def split(text: str) -> tuple[str, ...]:
    """Return the sentences of a text, trimmed, none of them blank; nothing but white space between them is lost."""
    return tuple(sentence for line in text.splitlines() for piece in _pieces(line) if (sentence := piece.strip()))


def _pieces(line: str) -> Iterator[str]:
    """Cut one line."""
    start = 0
    for match in _END.finditer(line):
        if match[1] and match[1].islower():
            continue
        yield line[start : match.end()]
        start = match.end()
    yield line[start:]
