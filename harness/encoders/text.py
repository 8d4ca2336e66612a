"""Making any string safe for a tokenizer."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    """`text` with every lone surrogate replaced by U+FFFD: they are no characters, and tokenizers refuse them."""
    return _SURROGATE.sub("\ufffd", text)
