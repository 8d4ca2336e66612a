"""The texts that checks use: plain ones, and the odd ones that every corpus holds."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import overload

#: Of several lengths, about several things.
PLAIN = (
    "The Nile flows north.",
    "A bicycle has two wheels.",
    "Where does the river end?",
    "Tea is made from the leaves of a shrub that grows in the highlands of many countries.",
    "Mars",
)
#: Of one length, in characters and in words, so that a batch of them needs no padding.
EVEN = ("red vans drive past the old barn", "wet dogs sleep near the hot fire", "big fish swim under the new pier")
#: Much longer than the others, within the length that every model reads some of.
LONG = " ".join(f"{PLAIN[i % 4]}" for i in range(60))
#: A text that fills a sentence or two, so that cutting at a few tokens changes it.
SENTENCES = " ".join(PLAIN)

_ACCENTED = "Ọ̀yọ́ ìlú ńlá, Việt Nam, 한국어, বাংলা"

#: Check id → what is given, and the text.
ODD: dict[str, tuple[tuple[str, str], ...]] = {
    "empty-text": (("an empty text", ""),),
    "white-space": (("white space", " \t\n "), ("a no-break space", "\u00a0")),
    "very-long": (("a very long text", "word " * 20_000), ("one very long word", "x" * 50_000)),
    "unicode-forms": (
        ("a composed text (NFC)", unicodedata.normalize("NFC", _ACCENTED)),
        ("a decomposed text (NFD)", unicodedata.normalize("NFD", _ACCENTED)),
        ("a combining mark alone", "\u0301"),
    ),
    "right-to-left": (("a right-to-left text", "نهر النيل يجري شمالاً"),
                      ("a text in two directions", "\u202bנילוס\u202c Nile")),
    "no-spaces": (("a Chinese text", "尼罗河向北流入地中海。"),
                  ("a Japanese text", "ナイル川は北へ流れる。"),
                  ("a Thai text", "แม่น้ำไนล์ไหลไปทางเหนือ")),
    "emoji": (("emoji", "🦁👩🏽‍🔬🇰🇪"), ("a character beyond the first plane", "𐤀𒀀𝔸")),
    "lone-surrogate": (("a lone surrogate", "broken \ud800 text"), ("a lone low surrogate", "\udfff")),
    "zero-byte": (("a zero byte", "a\x00b"), ("control characters", "\x01\x1b[0m\x7f")),
}  # fmt: skip

#: Passages of a small corpus; each is the only one about its subject.
PASSAGES = (
    *PLAIN,
    "The museum opens at nine in the morning.",
    "Glaciers shrink while summers grow warmer.",
    "My grandmother bakes bread with cardamom.",
    "Copper conducts electricity better than iron.",
    "Football players wear numbered shirts.",
)


class Given(Sequence[str]):
    """Texts in a sequence that is no list, as the engine hands a corpus over."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = tuple(texts)

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        return list(self._texts[index]) if isinstance(index, slice) else self._texts[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)
