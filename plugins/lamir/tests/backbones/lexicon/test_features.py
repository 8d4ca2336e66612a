"""Features of words: n-grams in buckets, and a memory that changes nothing."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import pytest
from harness_lamir.backbones.lexicon import features
from harness_lamir.backbones.lexicon.features import WordFeatures
from harness_lamir.backbones.lexicon.table import Lexicon


@pytest.fixture
def lexicon() -> Lexicon:
    """Return a lexicon of two words."""
    return Lexicon(["fluss", "river"], ["river"], np.array([0, 1, 2]), np.zeros(2, np.int64), np.ones(2, np.float32))


def buckets(ngrams: Sequence[str], count: int) -> list[int]:
    """Return the buckets of n-grams: CRC-32 is the same everywhere and forever."""
    return [zlib.crc32(ngram.encode()) % count for ngram in ngrams]


def test_ngrams_of_letters_and_of_consonants(lexicon: Lexicon) -> None:
    """Of the romanised word, framed; "река" is "reka"."""
    words = WordFeatures(lexicon, shortest=3, longest=4, buckets=997)
    letters = ["<re", "rek", "eka", "ka>", "<rek", "reka", "eka>"]
    assert words.ngrams("река").tolist() == buckets([*letters, "~<rk", "~rk>", "~<rk>"], 997)
    assert words("river").stems.tolist() == [0] and words("zzz").stems.tolist() == []


def test_what_is_remembered_changes_nothing(lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory of a few words forgets over and over, is bounded, and answers as one that keeps them all."""
    everything = WordFeatures(lexicon, shortest=3, longest=4, buckets=997)
    monkeypatch.setattr(features, "_REMEMBERED", 60)
    little = WordFeatures(lexicon, shortest=3, longest=4, buckets=997)
    for word in ["fluss", "flussbett", "x" * 50, "river", "fluss", "", "京", "flussbett"] * 3:
        for one, other in zip(little(word), everything(word), strict=True):
            np.testing.assert_array_equal(one, other)
        assert len(little._known) <= 6
    assert deepcopy(little) is little
