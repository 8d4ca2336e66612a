"""Vocabularies: the same from the same texts, whole words for frequent words, and no text lost to a rare character."""

from __future__ import annotations

import pytest
from harness_lamir.backbones.vocabulary import word_tokenizer
from hypothesis import given
from hypothesis import strategies as st

TEXTS = ["the river, the bridge", "Москва стоит на реке", "東京は日本の首都", "ลุ่มแม่น้ำ"] * 3


def tokens_of(text: str, texts: list[str] = TEXTS, size: int = 150) -> list[str]:
    """Return the tokens of a text by a tokenizer trained on `texts`."""
    return list(word_tokenizer(texts, size=size, special=["[PAD]", "[UNK]"], unknown="[UNK]").encode(text).tokens)


@given(st.permutations(TEXTS))
def test_the_order_of_texts_does_not_matter(texts: list[str]) -> None:
    """Any order of the same texts gives the same tokenizer, to the byte."""
    one, other = (word_tokenizer(t, size=60, special=["[UNK]"], unknown="[UNK]").to_str() for t in (TEXTS, texts))
    assert one == other


def test_special_tokens_have_the_first_ids() -> None:
    """In their order; the size bounds the whole vocabulary."""
    tokenizer = word_tokenizer(TEXTS, size=80, special=["[PAD]", "[UNK]", "[CLS]"], unknown="[UNK]")
    assert [tokenizer.token_to_id(token) for token in ("[PAD]", "[UNK]", "[CLS]")] == [0, 1, 2]
    assert tokenizer.get_vocab_size() <= 80


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The RIVER", ["▁the", "▁river"]),
        ("riverМосква", ["▁river", "▁москва"]),
        ("river,", ["▁river", "▁", "[UNK]"]),
        ("", []),
        (" \n", []),
    ],
)
def test_texts_are_cut_at_spaces_scripts_and_punctuation(text: str, expected: list[str]) -> None:
    """Words come out whole and lowercased; a comma that was rare in training is unknown, by itself."""
    texts = [text.replace(",", "") for text in TEXTS]
    assert tokens_of(text, texts) == expected


def test_a_rare_character_loses_itself_alone() -> None:
    """A sentence without spaces still teaches its other characters to be joined."""
    texts = ["東京都" + rare for rare in "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉"]
    assert tokens_of("東京都", texts, size=24) == ["▁東京都"]
