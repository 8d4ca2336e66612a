"""Strings that are no text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.encoders.text import without_surrogates


@given(st.text(alphabet=st.characters(codec=None)))
def test_any_string_becomes_encodable(text: str) -> None:
    """Whatever goes in, what comes out is UTF-8, of the same length, and the same where it was text already."""
    clean = without_surrogates(text)
    clean.encode("utf-8")
    assert len(clean) == len(text)
    assert all(new in (old, "\ufffd") for old, new in zip(text, clean, strict=True))


def test_characters_beyond_the_basic_plane_stay() -> None:
    """Emoji are stored as one code point in Python, not as surrogates, and are kept."""
    assert without_surrogates("🦁 \ud800") == "🦁 \ufffd"
