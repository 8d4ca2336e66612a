"""Static token embeddings: the sum in float64, what is folded on saving, and tables that start at a transformer's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.building import build_backbone, load_backbone
from harness_lamir.backbones.projection import input_embeddings, project
from harness_lamir.backbones.tokens import TokenBackbone
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from harness.errors import UsageError

TEXTS = ["the river and the bridge", "Москва стоит на реке", "東京は日本の首都", "the water"]


def build(seed: int = 0, **options: Any) -> TokenBackbone:
    """Return a backbone that learnt its vocabulary from `TEXTS`."""
    settings = kinds.TokenBackbone(kind="tokens", **({"dim": 8, "tokens": 120, "vocabulary_texts": 40} | options))
    backbone = build_backbone(settings, lambda count: (TEXTS * count)[:count], seed=seed)
    assert isinstance(backbone, TokenBackbone)
    return backbone


def encoded(backbone: Any, texts: list[str]) -> np.ndarray:
    """Return vectors without gradients."""
    with torch.no_grad():
        return backbone.encode(texts, role="query").numpy()


def test_a_vector_is_the_weighted_sum_of_rows() -> None:
    """Against a sum in float64, token by token."""
    backbone = build()
    table = backbone.embedding.detach().double().numpy()
    weights = backbone.weight.detach().double().numpy()
    for text, vector in zip(TEXTS, encoded(backbone, TEXTS), strict=True):
        total = sum(weights[i] * table[i] for i in backbone.ids([text])[0])
        np.testing.assert_allclose(vector, total / np.linalg.norm(total), atol=1e-6)


def test_frequent_tokens_start_lighter() -> None:
    """The weights begin at inverse document frequencies, a mean of one."""
    backbone = build()
    the, water = (backbone.tokenizer.token_to_id(token) for token in ("▁the", "▁water"))
    assert backbone.weight[the] < backbone.weight[water]
    torch.testing.assert_close(backbone.weight.detach().mean(), torch.tensor(1.0))


def test_weights_are_folded_into_rows(tmp_path: Path) -> None:
    """The folder holds one table; loaded, all weights are one and the vectors are the same."""
    backbone = build()
    backbone.save(tmp_path)
    saved = load_file(tmp_path / "model.safetensors")
    assert set(saved) == {"embedding.weight"}
    torch.testing.assert_close(saved["embedding.weight"], backbone.embedding * backbone.weight[:, None])
    loaded = load_backbone(tmp_path)
    assert isinstance(loaded, TokenBackbone) and bool((loaded.weight == 1).all())
    np.testing.assert_allclose(encoded(loaded, TEXTS), encoded(backbone, TEXTS), atol=1e-6)


def test_an_empty_text_is_zero() -> None:
    """No token, no direction; its neighbours are unaffected."""
    backbone = build()
    alone, together = encoded(backbone, ["the water"]), encoded(backbone, ["", "the water", ""])
    assert not together[[0, 2]].any()
    np.testing.assert_allclose(together[1], alone[0], atol=1e-7)


def test_another_process_learns_the_same_files(tmp_path: Path) -> None:
    """Neither hash seeds nor the order of texts nor threads decide a byte."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir(), other.mkdir()
    build().save(one)
    code = (
        "import sys; from pathlib import Path\n"
        "from harness_lamir.backbones import settings as kinds\n"
        "from harness_lamir.backbones.building import build_backbone\n"
        f"texts = {TEXTS!r}\n"
        "settings = kinds.TokenBackbone(kind='tokens', dim=8, tokens=120, vocabulary_texts=40)\n"
        "build_backbone(settings, lambda count: (texts * count)[:count][::-1], seed=0).save(Path(sys.argv[1]))\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "99", "RAYON_NUM_THREADS": "3"}
    subprocess.run([sys.executable, "-c", code, str(other)], check=True, env=environment, timeout=120)
    names = {path.name for path in one.iterdir() if path.is_file()}
    assert names == {path.name for path in other.iterdir() if path.is_file()}
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_the_rows_of_a_transformer_are_taken(folders: dict[str, Path]) -> None:
    """With its own tokenizer: its embeddings, centred and turned, so that distances between rows are kept."""
    folder = str(folders["xlm-r"])
    backbone = build(tokenizer=folder, init=folder, dim=16)
    tokenizer = Tokenizer.from_file(str(folders["xlm-r"] / "tokenizer.json"))
    assert backbone.ids(TEXTS) == [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
    original = load_file(folders["xlm-r"] / "model.safetensors")["embeddings.word_embeddings.weight"]
    rows = original[: len(backbone.embedding)]
    distances = torch.cdist(rows.double(), rows.double())
    turned = torch.cdist(backbone.embedding.detach().double(), backbone.embedding.detach().double())
    factor = turned.sum() / distances.sum()
    torch.testing.assert_close(turned, distances * factor, atol=1e-4, rtol=1e-4)


def test_another_vocabulary_takes_the_mean_of_pieces(folders: dict[str, Path]) -> None:
    """A token is spelt out and cut by the transformer's own tokenizer."""
    mine = build().tokenizer
    rows = input_embeddings(str(folders["xlm-r"]), mine)
    theirs = Tokenizer.from_file(str(folders["xlm-r"] / "tokenizer.json"))
    table = load_file(folders["xlm-r"] / "model.safetensors")["embeddings.word_embeddings.weight"]
    pieces = [i for i in theirs.encode("bridge", add_special_tokens=False).ids if i != theirs.token_to_id("<unk>")]
    token = mine.token_to_id("▁bridge")
    assert pieces and token is not None
    torch.testing.assert_close(rows[token], table[pieces].mean(dim=0))


def test_projection_is_that_of_the_singular_values() -> None:
    """Products of projected rows equal those of numpy's SVD; the sign is settled; too many dimensions are an error."""
    rows = torch.randn(50, 12, generator=torch.Generator().manual_seed(3))
    projected = project(rows, 5)
    assert projected.shape == (50, 5)
    assert abs(float(projected.norm(dim=1).mean()) - 1) < 1e-6
    centred = rows.double().numpy() - rows.double().numpy().mean(axis=0)
    _, _, right = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ right[:5].T
    expected /= np.linalg.norm(expected, axis=1).mean()
    np.testing.assert_allclose(np.abs(projected.numpy()), np.abs(expected), atol=1e-6)
    torch.testing.assert_close(project(rows * 2 + 7, 5), projected)
    with pytest.raises(UsageError, match=r"backbone\.dim: 13 dimensions from embeddings of 12"):
        project(rows, 13)


def test_a_model2vec_table_is_folded(tmp_path: Path) -> None:
    """`embeddings` with a mapping and weights, as sentence-transformers reads them."""
    backbone = build()
    backbone.save(tmp_path)
    size = len(backbone.embedding)
    generator = torch.Generator().manual_seed(1)
    tensors = {
        "embeddings": torch.randn(7, 4, generator=generator),
        "mapping": torch.arange(size) % 7,
        "weights": torch.rand(size, generator=generator),
    }
    save_file(tensors, tmp_path / "model.safetensors")
    library = pytest.importorskip("sentence_transformers")
    expected = library.SentenceTransformer(str(tmp_path), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(encoded(load_backbone(tmp_path), TEXTS), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "tokenizer.json").unlink(), r"no tokenizer\.json"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), "is no tokenizer"),
        (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "is pickled"),
        (lambda f: (f / "model.safetensors").write_bytes(b"no weights"), "cannot be read"),
        (lambda f: save_file({"other": torch.ones(2)}, f / "model.safetensors"), "expected a matrix"),
        (lambda f: save_file({"embedding.weight": torch.ones(3, 2)}, f / "model.safetensors"), "3 embeddings for"),
    ],
)
def test_a_broken_folder_is_told(tmp_path: Path, damage: Any, message: str) -> None:
    """Every file that is missing or damaged is an error that names it."""
    build().save(tmp_path)
    damage(tmp_path)
    with pytest.raises(UsageError, match=message):
        load_backbone(tmp_path)


def test_only_normalize_may_follow(tmp_path: Path) -> None:
    """A static model with further layers is refused, not loaded without them."""
    build().save(tmp_path)
    modules = json.loads((tmp_path / "modules.json").read_text())
    modules.append({"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UsageError, match="only Normalize may follow"):
        load_backbone(tmp_path)


def test_no_text_is_told() -> None:
    """An empty sample is an error, not an empty vocabulary."""
    for kind in (kinds.TokenBackbone(kind="tokens"), kinds.ScratchBackbone(kind="scratch")):
        with pytest.raises(UsageError, match="no text to learn a vocabulary from"):
            build_backbone(kind, lambda _: [], seed=0)
