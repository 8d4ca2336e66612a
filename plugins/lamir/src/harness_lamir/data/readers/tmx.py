"""TMX, the exchange format of translation memories (versions 1.1 to 1.4b).

    <tu><tuv xml:lang="en-GB"><seg>Good morning</seg></tuv><tuv xml:lang="sw"><seg>Habari za asubuhi</seg></tuv></tu>

Every unit with an English variant gives a row for each other variant, in the language of its tag without script and
region: `zh` for `zh-CN`. A source's `language` chooses one, and is what rows are then called. Units without the
languages wanted, and empty variants, are left out; which language a unit was translated from (`srclang`) is of no
interest. Of formatting inside a segment, the text is kept (`hi`) and native codes are not (`bpt`, `ept`, `it`, `ph`,
`ut`). White space is folded, because line breaks inside of segments are the writing program's.

A file may name its document type but may declare no entities: those are how XML is made to explode or to read other
files. Nothing outside the file is ever opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from xml.parsers import expat

from harness.errors import DataError
from harness_lamir.data.names import ENGLISH
from harness_lamir.data.readers.formats import Format, Numbered
from harness_lamir.data.rows import Translation
from harness_lamir.data.text import blocks

if TYPE_CHECKING:
    from harness_lamir.recipe import Source

__all__ = ["FORMAT", "LONGEST", "read_translations"]

#: The longest segment that is read, in characters.
LONGEST = 1 << 20
#: The longest tag or comment that is read, in bytes: the parser keeps one until it ends.
LONGEST_TAG = 16 << 20

_CODES = frozenset({"bpt", "ept", "it", "ph", "ut"})


def read_translations(path: Path, source: Source) -> Numbered:
    """Yield a `Translation` for each variant of a unit that is not English; its line is where the unit begins.

    Raises:
        DataError: the file is no TMX, is damaged, declares entities, has a variant without language, or holds no
            translation of the language wanted.
    """
    seen: set[str] = set()
    empty = True
    for number, variants in _units(path):
        seen.update(tag for tag, _ in variants)
        english = next((text for tag, text in variants if _base(tag) in ENGLISH), None)
        for tag, text in variants if english is not None else ():
            if _base(tag) not in ENGLISH and _wanted(tag, source.language):
                empty = False
                yield number, Translation(english or "", text, source.language or _base(tag))
    if empty:
        wanted = source.language or "another language"
        raise DataError(
            f"{path}: no translation between English and {wanted}; languages: {', '.join(sorted(seen)) or 'none'}",
            "Correct the source's `language`, or remove the file from the recipe.",
        )


def _base(tag: str) -> str:
    """The language of a tag without script and region."""
    return tag.replace("_", "-").split("-")[0].lower()


def _wanted(tag: str, language: str | None) -> bool:
    """Whether a variant is of the source's language: of the very tag, or of one without region that includes it."""
    return language is None or language.replace("_", "-").lower() in (tag.replace("_", "-").lower(), _base(tag))


def _units(path: Path) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """Yield (line number, [(language tag, text), …]) of every unit."""
    reading = _Reading(path)
    for block in blocks(path):
        reading.feed(block)
        yield from reading.take()
    reading.feed(b"", final=True)
    yield from reading.take()


class _Reading:
    """The state of a parse: handlers of expat fill `done`, which `take` empties."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: list[tuple[int, list[tuple[str, str]]]] = []
        self.rooted = False
        self.begin = 0
        self.tag = ""
        self.variants: list[tuple[str, str]] = []
        self.pieces: list[str] | None = None
        self.length = 0
        self.skipped = 0
        self.failed: DataError | None = None
        self.fed = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._declared
        self.parser.SkippedEntityHandler = self._undeclared

    def feed(self, data: bytes, final: bool = False) -> None:
        """Parse some bytes. An error is raised by the next `take`, after the units that come before it."""
        if self.failed:
            return
        self.fed += len(data)
        try:
            self.parser.Parse(data, final)
            if self.fed - self.parser.CurrentByteIndex > LONGEST_TAG:
                raise self._error(f"a tag of more than {LONGEST_TAG >> 20} MiB", "Is this a translation memory?")
        except DataError as error:
            self.failed = error
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            self.failed = DataError(
                f"{self.path}:{error.lineno}: not well-formed XML ({what})",
                "Is the file cut off, or no TMX? Fetch it again.",
            )

    def take(self) -> Iterator[tuple[int, list[tuple[str, str]]]]:
        """Yield the units that are complete, then raise what went wrong."""
        done, self.done = self.done, []
        yield from done
        if self.failed:
            raise self.failed

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.rooted and name != "tmx":
            raise self._error(f"the root is <{name[:40]}>, not <tmx>", "Set the source's `format`, if it is another.")
        self.rooted = True
        if name == "tu":
            self.begin, self.variants = self.parser.CurrentLineNumber, []
        elif name == "tuv":
            self.tag = attributes.get("xml:lang", attributes.get("lang", "")).strip()
            if not self.tag:
                raise self._error("a <tuv> without xml:lang", 'Write <tuv xml:lang="sw">.')
        elif name == "seg":
            self.pieces, self.length = [], 0
        elif name in _CODES and self.pieces is not None:
            self.skipped += 1

    def _end(self, name: str) -> None:
        if name == "tu":
            self.done.append((self.begin, self.variants))
        elif name == "seg" and self.pieces is not None:
            text = " ".join("".join(self.pieces).split())
            self.pieces = None
            if text:
                self.variants.append((self.tag, text))
        elif name in _CODES and self.pieces is not None:
            self.skipped -= 1

    def _text(self, text: str) -> None:
        if self.pieces is None or self.skipped:
            return
        self.length += len(text)
        if self.length > LONGEST:
            raise self._error(f"a segment of more than {LONGEST >> 20} Mi characters", "Remove the unit.")
        self.pieces.append(text)

    def _declared(self, name: str, *_: object) -> None:
        raise self._error(
            f"the document type declares the entity {name[:40]!r}",
            "Entities are refused, for they can be made to fill the memory; write the characters themselves.",
        )

    def _undeclared(self, name: str, *_: object) -> None:
        raise self._error(f"the entity &{name[:40]}; is declared nowhere", "Write the character itself.")

    def _error(self, what: str, hint: str) -> DataError:
        return DataError(f"{self.path}:{self.parser.CurrentLineNumber}: {what}", hint)


FORMAT = Format(
    name="tmx",
    summary="Translation memories in XML.",
    read={"parallel": read_translations},
    suffixes=(".tmx",),
    tells_language=True,
)
