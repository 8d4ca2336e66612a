"""The hashing encoder: character n-grams by hand, and the contract."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.encoders.builtin import HashingOptions
from harness.encoders.hashing import HashingEncoder
from harness.errors import UsageError
from harness.testing import parametrize_with_checks


@parametrize_with_checks("hashing")
def test_contract(check: Callable[[], None]) -> None:
    """The encoder holds to the contract that every plugin is held to."""
    check()


@parametrize_with_checks("hashing", dim=7, min_n=1, max_n=2)
def test_contract_with_options(check: Callable[[], None]) -> None:
    """So it does with few buckets, where n-grams collide all the time."""
    check()


def _by_hand(text: str, dim: int, min_n: int, max_n: int) -> np.ndarray:
    """The definition, in float64 and plain Python."""
    out = [0.0] * dim
    for word in unicodedata.normalize("NFKC", text).lower().split():
        framed = f" {word} "
        for n in range(min_n, max_n + 1):
            for i in range(len(framed) - n + 1):
                code = zlib.crc32(framed[i : i + n].encode("utf-8", "surrogatepass"))
                out[code % dim] += -1 if code & 0x80000000 else 1
    damped = np.sign(out) * np.sqrt(np.abs(out))
    norm = np.sqrt((damped**2).sum())
    return damped / norm if norm else damped


@settings(max_examples=60)
@given(st.text(max_size=40), st.integers(1, 40), st.integers(1, 4), st.integers(0, 3))
def test_vectors_are_the_definition(text: str, dim: int, min_n: int, more: int) -> None:
    """For any text and sizes the vector is the signed, damped, normalised count of its n-grams."""
    encoder = HashingEncoder(HashingOptions(dim=dim, min_n=min_n, max_n=min_n + more))
    vector = encoder.encode([text], role="query")[0]
    assert vector.dtype == np.float32
    assert np.allclose(vector, _by_hand(text, dim, min_n, min_n + more), atol=1e-6)


@pytest.mark.parametrize(
    ("left", "right"), [("Nile RIVER", "nile river"), ("ｎｉｌｅ", "nile"), ("nile\n river", " nile river ")]
)
def test_spelling_variants_are_one(left: str, right: str) -> None:
    """Case, width and white space make no difference; role and language neither."""
    encoder = HashingEncoder(HashingOptions())
    first = encoder.encode([left], role="query", language="en")
    assert np.array_equal(first, encoder.encode([right], role="passage", language=None))


def test_shared_spelling_is_similarity() -> None:
    """A word is nearer to its inflection than to an unrelated word."""
    a, b, c = HashingEncoder(HashingOptions()).encode(["volcano", "volcanoes", "bicycle"], role="passage")
    assert a @ b > 0.5 > abs(a @ c) + 0.2


def test_text_without_n_grams_is_the_zero_vector() -> None:
    """An empty text has no direction and matches nothing, without NaN."""
    vectors = HashingEncoder(HashingOptions()).encode(["", " \t"], role="query")
    assert not vectors.any() and np.isfinite(vectors).all()


def test_fingerprint_follows_the_options() -> None:
    """Every option that changes a vector changes the fingerprint; equal options share it."""
    prints = {
        HashingEncoder(HashingOptions(**options)).info.fingerprint
        for options in ({}, {"dim": 512}, {"min_n": 2}, {"max_n": 6})
    }
    assert len(prints) == 4
    assert HashingEncoder(HashingOptions(dim=1024)).info.fingerprint in prints


def test_sizes_in_the_wrong_order_are_refused() -> None:
    """A shortest n-gram longer than the longest is a usage error that shows both."""
    with pytest.raises(UsageError, match="min_n=4 is above max_n=3"):
        HashingEncoder(HashingOptions(min_n=4, max_n=3))
