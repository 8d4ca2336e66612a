"""Toy encoders that cannot read some text. `breaks` names the checks that must fail."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .toy_encoders import DIM, LONG_CHARACTERS, Healthy


class RaisesOnEmpty(Healthy):
    """Refuses an empty text."""

    breaks: ClassVar[set[str]] = {"empty-text"}

    def one(self, text: str) -> np.ndarray:
        """Raise where there is nothing."""
        if not text:
            raise ValueError("empty")
        return super().one(text)


class NanOnBlank(Healthy):
    """Divides by the number of words."""

    breaks: ClassVar[set[str]] = {"empty-text", "white-space"}

    def one(self, text: str) -> np.ndarray:
        """NaN where there is no word."""
        return super().one(text) if text.strip() else np.full(DIM, np.nan, np.float32)


class RaisesOnBlank(Healthy):
    """Refuses white space."""

    breaks: ClassVar[set[str]] = {"white-space"}

    def one(self, text: str) -> np.ndarray:
        """Raise where there is white space alone."""
        if text.isspace():
            raise ValueError("blank")
        return super().one(text)


class StrictUnicode(Healthy):
    """Encodes as UTF-8, which lone surrogates cannot be."""

    breaks: ClassVar[set[str]] = {"lone-surrogate"}

    def one(self, text: str) -> np.ndarray:
        """Raise for a lone surrogate."""
        text.encode("utf-8")
        return super().one(text)


class Terminated(Healthy):
    """Refuses zero bytes, as C strings do."""

    breaks: ClassVar[set[str]] = {"zero-byte"}

    def one(self, text: str) -> np.ndarray:
        """Raise for a zero byte."""
        if "\0" in text:
            raise ValueError("embedded null character")
        return super().one(text)


class ShortOnly(Healthy):
    """Refuses long texts instead of cutting them."""

    breaks: ClassVar[set[str]] = {"very-long"}

    def one(self, text: str) -> np.ndarray:
        """Raise for a long text."""
        if len(text) > LONG_CHARACTERS:
            raise MemoryError("too long")
        return super().one(text)


class ComposedOnly(Healthy):
    """Knows composed letters alone."""

    breaks: ClassVar[set[str]] = {"unicode-forms"}

    def one(self, text: str) -> np.ndarray:
        """Raise for a combining acute."""
        if "\u0301" in text:
            raise KeyError("\u0301")
        return super().one(text)


class LeftToRight(Healthy):
    """Knows no Arabic."""

    breaks: ClassVar[set[str]] = {"right-to-left"}

    def one(self, text: str) -> np.ndarray:
        """Zero divided by zero for Arabic."""
        return np.full(DIM, np.inf, np.float32) if "ن" in text else super().one(text)


class Spaced(Healthy):
    """Counts characters per space."""

    breaks: ClassVar[set[str]] = {"no-spaces"}

    def one(self, text: str) -> np.ndarray:
        """Raise where Chinese stands without a space."""
        if "尼" in text:
            raise ZeroDivisionError("no spaces")
        return super().one(text)


class FirstPlane(Healthy):
    """Knows 65,536 characters."""

    breaks: ClassVar[set[str]] = {"emoji"}

    def one(self, text: str) -> np.ndarray:
        """Raise beyond the first plane."""
        if any(ord(character) > 0xFFFF for character in text):
            raise IndexError("no such character")
        return super().one(text)


TOYS = [kind for kind in list(globals().values()) if isinstance(kind, type) and "breaks" in vars(kind) and kind.breaks]
