"""Words in ASCII and their n-grams: whole, framed, and of consonants alone."""

from __future__ import annotations

from harness_lamir.backbones.romanised import ngrams_of, romanise, skeleton_ngrams_of


def test_romanise_spells_every_script_in_ascii() -> None:
    """Words of other scripts come out lowercase ASCII, punctuation is gone."""
    assert romanise("Москва, 北京! Ọ̀yọ́") == ["moskva", "beijing", "oyo"]


def test_ngrams_are_framed() -> None:
    """The boundary markers are characters like any other."""
    assert ngrams_of("ab", 3, 5) == ["<ab", "ab>", "<ab>"]
    assert ngrams_of("a", 4, 5) == []


def test_skeletons_are_marked_consonants() -> None:
    """Vowels and doubled letters go; what is left of one letter says nothing."""
    assert skeleton_ngrams_of("moskva", 3) == ["~<ms", "~msk", "~skv", "~kv>", "~<msk", "~mskv", "~skv>"]
    assert skeleton_ngrams_of("anna", 3) == []
    assert set(skeleton_ngrams_of("alqahrt", 3)) & set(skeleton_ngrams_of("qahira", 3)) == {"~qhr"}
