"""The random encoder: reproducible noise, and the contract."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.encoders.builtin import RandomOptions
from harness.encoders.random import RandomEncoder
from harness.testing import parametrize_with_checks


@parametrize_with_checks("random", dim=16, seed=3)
def test_contract(check: Callable[[], None]) -> None:
    """The encoder holds to the contract that every plugin is held to."""
    check()


@given(st.text(), st.integers(0, 5), st.sampled_from(["query", "passage"]))
def test_vectors_are_seeded_by_seed_role_and_text(text: str, seed: int, role: str) -> None:
    """Each vector is the normalised draw of a generator seeded by the digest of seed, role and text."""
    key = f"{seed}\0{role}\0{text}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little")
    draw = np.random.Generator(np.random.PCG64(number)).standard_normal(8)
    vector = RandomEncoder(RandomOptions(dim=8, seed=seed)).encode([text], role=role)[0]  # type: ignore[arg-type]
    assert vector.dtype == np.float32
    assert np.allclose(vector, draw / np.linalg.norm(draw), atol=1e-6)


def test_question_does_not_find_itself() -> None:
    """The same text as query and as passage has two unrelated vectors."""
    encoder = RandomEncoder(RandomOptions(dim=256))
    query, passage = (encoder.encode(["same"], role=role)[0] for role in ("query", "passage"))  # type: ignore[arg-type]
    assert abs(query @ passage) < 0.3


def test_vectors_are_unrelated() -> None:
    """Over many texts the cosines have mean 0 and variance 1 / dim, as chance has."""
    vectors = RandomEncoder(RandomOptions(dim=64)).encode([str(i) for i in range(400)], role="passage")
    cosines = (vectors @ vectors.T)[np.triu_indices(400, 1)]
    assert abs(cosines.mean()) < 0.003
    assert cosines.var() == pytest.approx(1 / 64, rel=0.03)


def test_seed_changes_vectors_and_fingerprint() -> None:
    """Another seed is another encoder."""
    one, two = (RandomEncoder(RandomOptions(seed=seed)) for seed in (1, 2))
    assert one.info.fingerprint != two.info.fingerprint
    assert not np.allclose(one.encode(["x"], role="query"), two.encode(["x"], role="query"))
