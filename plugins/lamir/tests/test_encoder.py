"""The encoder on the shipped checkpoint: any text, any order, and the files it comes from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from harness_lamir.encoder import (
    LamirEncoder,
    checkpoint_fingerprint,
    load,
    shipped_checkpoint,
)
from harness_lamir.plugin import TRAINING_DATASETS, LamirOptions

from harness.encoders.protocols import Encoder
from harness.errors import UsageError
from harness.testing import parametrize_with_checks

ODD = ["", "   ", "\ud800 lone", "😀", "a\x00b", "Москва", "東京は日本の首都です"]
ODD += ["x" * 100_000, "w " * 50_000]
FINGERPRINT = "5022679654d0430b10adf89e5d74382eb80383c1796f317353cd8094954010c0"


@pytest.fixture(scope="module")
def encoder() -> LamirEncoder:
    """Return the shipped encoder on the CPU."""
    return load(LamirOptions(device="cpu"))


def test_it_is_an_encoder(encoder: LamirEncoder) -> None:
    """It satisfies the protocol, and says what it is."""
    assert isinstance(encoder, Encoder)
    info = encoder.info
    assert (info.name, info.dim, info.similarity, info.normalized) == ("lamir", 2048, "cosine", True)
    assert info.model == "lamir-pocket"
    assert info.training_datasets == TRAINING_DATASETS


def test_any_text_has_a_finite_unit_vector(encoder: LamirEncoder) -> None:
    """Empty, blank, broken and endless texts too, twice the same."""
    vectors = encoder.encode(ODD, role="query")
    assert vectors.shape == (len(ODD), 2048) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(vectors, encoder.encode(ODD, role="passage"))


def test_a_text_does_not_depend_on_its_company(encoder: LamirEncoder) -> None:
    """Alone or in any order or batch size, a text has its one vector."""
    whole = encoder.encode(ODD, role="query")
    alone = np.concatenate([encoder.encode([text], role="query") for text in ODD])
    reverse = encoder.encode(ODD[::-1], role="query")[::-1]
    small = load(LamirOptions(device="cpu", batch_tokens=64)).encode(ODD, role="query")
    for other in (alone, reverse, small):
        np.testing.assert_allclose(other, whole, atol=1e-6)


def test_translations_are_near(encoder: LamirEncoder) -> None:
    """A question finds its subject in another language before another subject."""
    query, right, wrong = encoder.encode(
        ["Where is the river?", "Der Fluss ist in Afrika.", "Der Präsident kaufte ein Buch."],
        role="query",
    )
    assert query @ right > query @ wrong


def test_half_precision_agrees(encoder: LamirEncoder) -> None:
    """bfloat16 moves cosines by little."""
    half = load(LamirOptions(device="cpu", dtype="bfloat16"))
    texts = ["the river", "a bridge over water", "le pont"]
    np.testing.assert_allclose(half.encode(texts, role="query"), encoder.encode(texts, role="query"), atol=0.02)


def test_the_shipped_checkpoint_is_small_and_safe() -> None:
    """At most 16 MB in all, no format that can run code, and the files one expects."""
    files = {path.name: path.stat().st_size for path in shipped_checkpoint().iterdir()}
    assert sum(files.values()) <= 16_000_000
    assert set(files) == {
        "README.md",
        "config.json",
        "features.json",
        "model.safetensors",
        "recipe.json",
        "tokenizer.json",
    }


def test_the_fingerprint_is_stable(encoder: LamirEncoder, tmp_path: Path) -> None:
    """It is that of the committed files, survives a copy, and changes with any of them."""
    copy = tmp_path / "copy"
    shutil.copytree(shipped_checkpoint(), copy)
    (copy / "README.md").write_text("another card")
    assert checkpoint_fingerprint(copy) == encoder.info.fingerprint == FINGERPRINT
    (copy / "config.json").write_text("{}")
    assert checkpoint_fingerprint(copy) != FINGERPRINT


def test_a_folder_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    """Missing files are listed; parts of different runs are told apart."""
    with pytest.raises(UsageError, match=r"model\.safetensors"):
        load(LamirOptions(checkpoint=str(tmp_path)))
    copy = tmp_path / "copy"
    shutil.copytree(shipped_checkpoint(), copy)
    features = copy / "features.json"
    original = features.read_text()
    features.write_text(original.replace('"ngram_buckets": ', '"ngram_buckets": 1'))
    with pytest.raises(UsageError, match="different runs"):
        load(LamirOptions(checkpoint=str(copy)))
    features.write_text("[]")
    with pytest.raises(UsageError, match=r"features\.json"):
        load(LamirOptions(checkpoint=str(copy)))
    features.write_text(original)
    (copy / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(UsageError, match="cannot be loaded"):
        load(LamirOptions(checkpoint=str(copy)))


@parametrize_with_checks("lamir", device="cpu")
def test_the_contract_of_the_harness(check: Callable[[], None]) -> None:
    """The harness's own conformance kit finds nothing."""
    check()
