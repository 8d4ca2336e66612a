"""Text to feature ids: finite, bounded, the same every time, whatever the text."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_lamir.backbones.features.extractor import EMPTY, PAD, UNK, FeatureConfig, FeatureExtractor
from hypothesis import given
from hypothesis import strategies as st

TEXTS = ["the river and the bridge", "Москва стоит на реке", "東京は日本の首都", "ሰላም ዓለም"] * 3


def extractor(**changes: int) -> FeatureExtractor:
    """Return a small extractor."""
    settings = {"ngram_buckets": 300} | changes
    return FeatureExtractor.train(TEXTS, tokens=120, config=FeatureConfig(**settings))


SMALL = extractor()


def test_spellings_of_a_name_share_features() -> None:
    """A name in another script has n-grams in common with its Latin spelling."""
    assert set(SMALL("Москва")) & set(SMALL("Moskva"))


def test_the_features_of_a_text_are_those_of_its_words() -> None:
    """No feature depends on the neighbours, which is what makes the cache right."""
    assert SMALL("the bridge") == SMALL("the") + SMALL("  bridge\n")


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\ud800", "…"])
def test_a_text_without_features_has_its_own_id(text: str) -> None:
    """Nothing to read gives [EMPTY], never an empty list."""
    assert SMALL(text) == [EMPTY]


def test_emoji_have_features() -> None:
    """An emoji is read by its name."""
    assert len(SMALL("😀")) > 1


def test_long_texts_are_clipped() -> None:
    """Neither characters nor features exceed their bounds."""
    short = extractor(max_characters=50, max_features=20)
    assert len(short("bridge " * 10_000)) == 20
    clipped = extractor(max_characters=6)
    assert clipped("bridge over the river") == clipped("bridge")


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_has_valid_ids(text: str) -> None:
    """Ids lie in the table, none is padding or unknown, and a second call gives the same."""
    ids = SMALL(text)
    assert ids
    assert ids == SMALL(text)
    assert all(PAD < i < SMALL.size and i != UNK for i in ids)


def test_training_and_saving_are_deterministic(tmp_path: Path) -> None:
    """The order of the texts does not matter, and a round trip changes nothing."""
    again = FeatureExtractor.train(reversed(TEXTS), tokens=120, config=FeatureConfig(ngram_buckets=300))
    assert again.tokenizer.to_str() == SMALL.tokenizer.to_str()
    SMALL.save(tmp_path)
    loaded = FeatureExtractor.load(tmp_path)
    assert loaded.config == SMALL.config
    assert [loaded(text) for text in TEXTS] == [SMALL(text) for text in TEXTS]


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    """A feature file of another make is refused with its path."""
    SMALL.save(tmp_path)
    (tmp_path / "features.json").write_text('{"other": 1}')
    with pytest.raises(ValueError, match=r"features\.json"):
        FeatureExtractor.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        FeatureExtractor.load(tmp_path)
