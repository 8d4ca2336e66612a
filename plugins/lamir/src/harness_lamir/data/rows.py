"""The rows that training text is made of: one frozen type for each kind of stream.

| kind | row | who reads it |
|---|---|---|
| `ir` | `Pair`: a question, the passage that answers it, hard negatives | IR |
| `parallel` | `Translation`: an English sentence and its translation | semantic, language |
| `text` | `Text`: a text of one language, alone | language, cropping |
| `document` | `Document`: a text as its sentences, in order | contextual context prediction |
| `multiway` | `Multiway`: one meaning in several languages | 1-to-K |
| `triplet` | `Triplet`: an English question, its passage in English and in another language | alignment by JSD |

Languages are the codes that files are named after (`sw`, `tur`, `zh`); they are labels, compared for equality alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

__all__ = ["ROW_TYPES", "Document", "Kind", "Multiway", "Pair", "Row", "Text", "Translation", "Triplet", "texts_of"]

Kind: TypeAlias = Literal["ir", "parallel", "text", "document", "multiway", "triplet"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A question, a passage that answers it, and passages that do not, all in `language`."""

    query: str
    positive: str
    negatives: tuple[str, ...] = ()
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Translation:
    """An English sentence (or word) and its translation into `language`."""

    english: str
    other: str
    language: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text of `language` that need translate nothing."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document of `language` as its sentences, in order; two at least."""

    sentences: tuple[str, ...]
    language: str


@dataclass(frozen=True, slots=True)
class Multiway:
    """One meaning in several languages: `texts[i]` is in `languages[i]`; two at least, languages distinct."""

    texts: tuple[str, ...]
    languages: tuple[str, ...]

    @property
    def language(self) -> str:
        """The languages together, which is what sampling over languages tells such rows apart by."""
        return "+".join(self.languages)


@dataclass(frozen=True, slots=True)
class Triplet:
    """An English question, the English passage that answers it, and that passage in `language`."""

    query: str
    english: str
    other: str
    language: str


Row: TypeAlias = Pair | Translation | Text | Document | Multiway | Triplet

ROW_TYPES: Mapping[Kind, type[Any]] = {
    "ir": Pair,
    "parallel": Translation,
    "text": Text,
    "document": Document,
    "multiway": Multiway,
    "triplet": Triplet,
}

_TEXTS: Mapping[type[Any], Callable[[Any], tuple[str, ...]]] = {
    Pair: lambda row: (row.query, row.positive, *row.negatives),
    Translation: lambda row: (row.english, row.other),
    Text: lambda row: (row.text,),
    Document: lambda row: row.sentences,
    Multiway: lambda row: row.texts,
    Triplet: lambda row: (row.query, row.english, row.other),
}


def texts_of(row: Row) -> tuple[str, ...]:
    """Every text of a row, which is what must not occur in an evaluation set."""
    return _TEXTS[type(row)](row)
