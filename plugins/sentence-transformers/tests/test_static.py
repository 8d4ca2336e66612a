"""Models without a network: one table of vectors; and asymmetric models, whose routes differ by role."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_sentence_transformers.encoder import SentenceTransformerEncoder
from harness_sentence_transformers.plugin import SentenceTransformerOptions
from safetensors.numpy import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Router, StaticEmbedding

from harness.errors import UsageError
from harness.testing import parametrize_with_checks

TEXTS = ["The Nile flows north.", "Mto Nile unatiririka kaskazini.", "نهر"]

#: Where the kit finds the model: its options are fixed before any fixture runs.
KIT = Path(tempfile.gettempdir()) / f"harness-sentence-transformers-{os.getpid()}"


@pytest.fixture(scope="module", autouse=True)
def kit(static: Path) -> Iterator[None]:
    """Put the static model where the kit looks for it, and take it away again."""
    shutil.copytree(static, KIT, dirs_exist_ok=True)
    yield
    shutil.rmtree(KIT)


@parametrize_with_checks("sentence-transformers", model=str(KIT), device="cpu")
def test_contract_of_a_static_model(check: Any) -> None:
    """The conformance kit passes on a model without a network."""
    check()


def load(folder: Path, **options: Any) -> SentenceTransformerEncoder:
    """The encoder on the CPU."""
    return SentenceTransformerEncoder(SentenceTransformerOptions(model=str(folder), device="cpu", **options))


def mean_of_bytes(folder: Path, text: str) -> np.ndarray[Any, Any]:
    """The vector of `text` by hand, at unit length: the mean over its bytes."""
    alphabet = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    table = load_file(folder / "model.safetensors")["embedding.weight"]
    # GPT-2's alphabet: printable bytes are themselves, the others are counted up from 256 in order
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    mean = table[[alphabet[letters[byte]] for byte in text.encode()]].astype(np.float64).mean(0)
    return np.asarray(mean / np.linalg.norm(mean))


def test_a_text_is_the_mean_of_its_tokens(static: Path) -> None:
    """Vectors equal the mean computed from the file by hand, in float64."""
    expected = np.stack([mean_of_bytes(static, text) for text in TEXTS])
    np.testing.assert_allclose(load(static).encode(TEXTS, role="query"), expected, atol=1e-6)


def test_a_static_model_has_no_limit_and_takes_none(static: Path) -> None:
    """The library says infinity, the info None; a limit that could not be kept is refused."""
    info = load(static).info
    assert (info.max_tokens, info.dim, info.dtype) == (None, 16, "float32")
    with pytest.raises(UsageError, match="any length"):
        load(static, max_tokens=8)


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_a_static_model_has_nothing_to_run_elsewhere(static: Path, backend: str) -> None:
    """There is no network that a backend could run."""
    with pytest.raises(UsageError, match="no transformer"):
        load(static, backend=backend)


def test_a_folder_of_model2vec_is_read_without_the_librarys_list_of_modules(static: Path, tmp_path: Path) -> None:
    """`embeddings`, in half precision, in a folder that only model2vec knows, give the same vectors in float32."""
    table = load_file(static / "model.safetensors")["embedding.weight"]
    save_file({"embeddings": table.astype(np.float16)}, tmp_path / "model.safetensors")
    shutil.copy(static / "tokenizer.json", tmp_path / "tokenizer.json")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "model2vec", "normalize": True}))
    vectors = load(tmp_path).encode(TEXTS, role="passage")
    np.testing.assert_allclose(vectors, load(static).encode(TEXTS, role="passage"), atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def asymmetric(static: Path, folder: Path, size: int = 16, routes: tuple[str, str] = ("query", "document")) -> Path:
    """A model whose queries are looked up as they are, and whose passages go through a matrix of their own."""
    both = [StaticEmbedding.load(str(static)) for _ in range(2)]
    router = Router({routes[0]: [both[0]], routes[1]: [both[1], Dense(16, size)]})
    SentenceTransformer(modules=[router], device="cpu").save(str(folder))
    return folder


def test_roles_take_their_routes(static: Path, tmp_path: Path) -> None:
    """Queries and passages are what the library's encode_query and encode_document give, and not each other."""
    folder = asymmetric(static, tmp_path / "asymmetric")
    library, ours = SentenceTransformer(str(folder), device="cpu"), load(folder, normalize=False)
    query, passage = ours.encode(TEXTS, role="query"), ours.encode(TEXTS, role="passage")
    np.testing.assert_allclose(query, library.encode_query(TEXTS), atol=1e-6)
    np.testing.assert_allclose(passage, library.encode_document(TEXTS), atol=1e-6)
    assert np.abs(query - passage).max() > 0.1
    assert ours.info.max_tokens is None


def test_routes_of_two_sizes_are_refused(static: Path, tmp_path: Path) -> None:
    """Queries and passages that cannot be compared are an error before work starts."""
    with pytest.raises(UsageError, match="dimensions, not"):
        load(asymmetric(static, tmp_path / "sizes", size=8))


def test_a_model_without_a_route_for_a_role_is_refused(static: Path, tmp_path: Path) -> None:
    """Routes called otherwise than the library's tasks are named."""
    with pytest.raises(UsageError, match="no route for the role query"):
        load(asymmetric(static, tmp_path / "routes", routes=("image", "sound")))


def test_a_limit_goes_to_the_routes_that_have_one(static: Path, minilm: Path, tmp_path: Path) -> None:
    """A transformer is cut at max_tokens though the other route, a table, has no limit."""
    transformer = SentenceTransformer(str(minilm), device="cpu")[0]
    table = [StaticEmbedding.load(str(static)), Dense(16, 384)]
    router = Router({"query": table, "document": [transformer, Pooling(384)]})
    SentenceTransformer(modules=[router, Normalize()], device="cpu").save(str(tmp_path / "mixed"))
    encoder = load(tmp_path / "mixed", max_tokens=8)
    assert encoder.info.max_tokens == 8
    cut = encoder.encode(["one two three four five six seven eight", "one two three four five six"], role="passage")
    np.testing.assert_allclose(cut[0], cut[1], atol=1e-6)
