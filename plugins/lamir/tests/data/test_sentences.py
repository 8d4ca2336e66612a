"""Where texts are cut into sentences."""

from __future__ import annotations

import pytest
from harness_lamir.data.sentences import split
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four…  Five", ("One.", "Two!", "Three?", "Four…", "Five")),
        ('He said "no." She left.', ('He said "no."', "She left.")),
        ("Pi is 3.14, e.g. about three. Yes.", ("Pi is 3.14, e.g. about three.", "Yes.")),
        ("一つ。二つ！「三つ？」四つ", ("一つ。", "二つ！", "「三つ？」", "四つ")),
        ("राम घर गया। सीता आई।", ("राम घर गया।", "सीता आई।")),
        ("ما هذا؟ كتاب.", ("ما هذا؟", "كتاب.")),
        ("ሰላም። ደህና።", ("ሰላም።", "ደህና።")),
        ("first line\n\nsecond line", ("first line", "second line")),
        ("ประโยค หนึ่ง ประโยค สอง", ("ประโยค หนึ่ง ประโยค สอง",)),
        ("Really?! Yes...", ("Really?!", "Yes...")),
        (" \n ", ()),
    ],
)
def test_split(text: str, sentences: tuple[str, ...]) -> None:
    """Sentences end where the rule says, in the scripts that it knows."""
    assert split(text) == sentences


@given(st.text(alphabet="aB .!?。।\n\"'）…"))
def test_nothing_but_white_space_is_lost(text: str) -> None:
    """Put together again, sentences are the text; none of them is blank or untrimmed."""
    found = split(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence and sentence == sentence.strip() for sentence in found)
