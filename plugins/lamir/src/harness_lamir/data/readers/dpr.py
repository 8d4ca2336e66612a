"""DPR's training files: one JSON array, of questions with their passages (Karpukhin et al., EMNLP 2020).

    [{"question": "…", "answers": […], "positive_ctxs": [{"title", "text"}], "negative_ctxs": […],
      "hard_negative_ctxs": […]}, …]

The array of Natural Questions is of several gigabytes, so it is parsed element by element. As in DPR, the first
positive is the passage; the hard negatives are the negatives, and `negative_ctxs` are left alone.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DataError
from harness_lamir.data.readers.formats import Format, Numbered, field_of, pair_language, passages_of
from harness_lamir.data.rows import Pair
from harness_lamir.data.text import BLOCK, blocks

if TYPE_CHECKING:
    from harness_lamir.recipe import Source

__all__ = ["FORMAT", "LONGEST", "read_pairs", "stream_array"]

#: The longest element of an array that is read, in characters.
LONGEST = 64 << 20

_SPACE = re.compile(r"[ \t\r\n]*")
_HINT = "DPR's files are one array of objects: [{…}, {…}]. Is the file cut off, or of another format?"
#: An error this near to the end of what was read may be the end's own: the longest thing that the end may cut is a
#: pair of escapes.
_NEAR_END = 16
_DECODER = json.JSONDecoder()


def read_pairs(path: Path, source: Source) -> Numbered:
    """Yield a `Pair` for each question; its line is the one that its object begins on.

    Raises:
        DataError: the file is no array of objects, is damaged, or a question has no positive passage.
    """
    for number, record in stream_array(path):
        where = f"{path}:{number}"
        query = field_of(record, "question", where)
        positives = passages_of(record, "positive_ctxs", where)
        if not positives:
            raise DataError(f"{where}: {query[:60]!r} has no 'positive_ctxs'", "Remove the question from the file.")
        negatives = passages_of(record, "hard_negative_ctxs", where)
        yield number, Pair(query, positives[0], negatives, pair_language(path, source, record, where))


def stream_array(path: Path, size: int = BLOCK) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) of a file that is one JSON array of objects, holding one object at a time.

    Args:
        path: the file, plain or gzipped.
        size: bytes to read at a time.

    Raises:
        DataError: the file is anything else, not UTF-8, damaged, or holds an object of more than `LONGEST` characters.
    """
    text = _Window(path, size)
    if text.next() != "[":
        raise text.error("expected '[', the beginning of an array")
    text.skip()
    if text.next() == "]":
        raise DataError(f"{path}: the array is empty", "Remove it from the recipe.")
    while True:
        if text.next() != "{":
            raise text.error("expected '{', the beginning of an object")
        yield text.line, text.value()
        mark = text.next()
        text.skip()
        if mark == "]":
            break
        if mark != ",":
            raise text.error("expected ',' or ']' behind an object", back=len(mark))
    if text.next():
        raise text.error("more text behind the end of the array")


class _Window:
    """The part of a file that is looked at: `line` is the number of the line that the next character is on."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.line = 1
        self._blocks = blocks(path, size)
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._ended = False

    def next(self) -> str:
        """Pass white space over and return the next character without passing it; "" at the end of the file."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._advance(match.end() if match else self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def skip(self) -> None:
        """Pass one character over."""
        self._at += bool(self._text[self._at : self._at + 1])

    def value(self) -> Any:
        """Parse the value that begins here, and pass it over."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                place = error.pos - self._at
                cut = error.pos > len(self._text) - _NEAR_END or error.msg.startswith("Unterminated string")
                if cut and len(self._text) - self._at > LONGEST:
                    raise self.error(f"an object of more than {LONGEST >> 20} Mi characters") from error
                if not cut or not self._more(double=True):
                    self._advance(min(self._at + place, len(self._text)))
                    raise self.error(f"not valid JSON ({error.msg})") from error
            except (ValueError, RecursionError) as error:  # a number of too many digits, nesting without end
                raise self.error(f"not valid JSON ({error})") from error
            else:
                self._advance(end)
                return value

    def error(self, what: str, back: int = 0) -> DataError:
        """The error to raise for what stands here, or so many characters before."""
        found = self._text[self._at - back : self._at - back + 40]
        return DataError(
            f"{self.path}:{self.line}: {what}, found {found!r}"
            if found
            else f"{self.path}:{self.line}: {what}, and the file ends",
            _HINT,
        )

    def _advance(self, to: int) -> None:
        """Pass over the text before a place."""
        self.line += self._text.count("\n", self._at, to)
        self._at = to

    def _more(self, double: bool = False) -> bool:
        """Read a block, or as much again as there is; forget what was passed. False at the end of the file."""
        parts = [self._text[self._at :]]
        wanted = len(parts[0]) if double else 1
        while wanted > 0 and not self._ended:
            block = next(self._blocks, b"")
            self._ended = not block
            try:
                parts.append(self._decoder.decode(block, final=self._ended))
            except UnicodeDecodeError as error:
                line = self.line + parts[0].count("\n") + sum(part.count("\n") for part in parts[1:])
                line += error.object[: error.start].count(b"\n")
                raise DataError(
                    f"{self.path}:{line}: not UTF-8 ({error.reason})", "JSON is read as UTF-8; convert the file."
                ) from error
            wanted -= len(parts[-1])
        self._text, self._at = "".join(parts), 0
        return len(self._text) > len(parts[0])


FORMAT = Format(
    name="dpr",
    summary="DPR's JSON array of questions with passages.",
    read={"ir": read_pairs},
    suffixes=(".json",),
    tells_language=True,
)
