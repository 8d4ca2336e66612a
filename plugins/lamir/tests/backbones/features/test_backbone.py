"""The bag of features as a backbone: the fast path, saved weights, and the loaders of other libraries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.building import build_backbone, load_backbone
from harness_lamir.backbones.features import FeatureBackbone

from harness.errors import UsageError

TEXTS = ["the river and the bridge", "Москва стоит на реке", "東京は日本の首都", "the water", ""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small bag with both halves, saved."""
    folder = tmp_path_factory.mktemp("features")
    settings = kinds.FeatureBackbone(kind="features", semantic_dim=16, lexical_dim=64, lexical_share=0.5, tokens=120)
    build_backbone(settings, lambda count: TEXTS * 3, seed=4).save(folder)
    return folder


@pytest.fixture(scope="module")
def saved(folder: Path) -> FeatureBackbone:
    """Return it, loaded."""
    backbone = load_backbone(folder)
    assert isinstance(backbone, FeatureBackbone)
    return backbone


def test_words_are_summed_once(saved: FeatureBackbone) -> None:
    """A batch lists every distinct word once, and its texts as numbers of words."""
    batch = saved.tokenize(["the river", "the the bridge"], role="query")
    assert batch["words"].tolist() == [0, 1, 0, 0, 2]
    assert batch["word_starts"].tolist() == [0, 2]
    assert len(batch["feature_starts"]) == 3
    features = saved.ids(["the", "river", "bridge"])
    assert batch["features"].tolist() == [feature for word in features for feature in word]


def test_the_fast_path_is_the_model(saved: FeatureBackbone) -> None:
    """Word by word or feature by feature, vectors and gradients are the same."""
    ids = [torch.tensor([row]) for row in saved.ids(saved.prompted(TEXTS, "query"))]
    gradients = []
    for vectors in (saved.encode(TEXTS, role="query"), torch.cat([saved.model(row) for row in ids])):
        saved.zero_grad()
        (vectors[0] @ vectors[1:].T).sum().backward()
        gradients.append((vectors.detach(), saved.model.weight.grad))
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-5, rtol=1e-5)


def test_token_weight_scales_tokens_alone() -> None:
    """The recipe's factor is on the first weights of tokens, not on those of n-grams."""

    def weights(factor: float) -> tuple[torch.Tensor, int]:
        settings = kinds.FeatureBackbone(kind="features", tokens=100, ngram_buckets=90, token_weight=factor)
        backbone = build_backbone(settings, lambda count: TEXTS * 3, seed=0)
        assert isinstance(backbone, FeatureBackbone)
        return backbone.model.weight.detach(), backbone.extractor.tokens

    (plain, tokens), (scaled, _) = weights(1.0), weights(3.0)
    torch.testing.assert_close(scaled[:tokens], plain[:tokens] * 3)
    torch.testing.assert_close(scaled[tokens:], plain[tokens:])


def test_no_text_is_told() -> None:
    """An empty sample is an error, not an empty vocabulary."""
    with pytest.raises(UsageError, match="no text to learn a vocabulary from"):
        build_backbone(kinds.FeatureBackbone(kind="features"), lambda _: [], seed=0)


def test_sentence_transformers_loads_the_folder(folder: Path, saved: FeatureBackbone) -> None:
    """Told that it may import the class that `modules.json` names, it gives the same vectors."""
    library = pytest.importorskip("sentence_transformers")
    model = library.SentenceTransformer(str(folder), device="cpu", trust_remote_code=True)
    assert model.get_embedding_dimension() == saved.dim
    with torch.no_grad():
        np.testing.assert_allclose(model.encode(TEXTS), saved.encode(TEXTS, role="query").numpy(), atol=1e-6)


def test_transformers_knows_the_model_after_one_import(folder: Path, saved: FeatureBackbone) -> None:
    """AutoModel and AutoConfig load the folder by its model type."""
    from transformers import AutoConfig, AutoModel

    assert AutoConfig.from_pretrained(folder).vocab_size == saved.extractor.size
    model = AutoModel.from_pretrained(folder, dtype="float32")
    with torch.no_grad():
        vectors = torch.cat([model(torch.tensor([row])) for row in saved.ids(TEXTS)])
        torch.testing.assert_close(vectors, saved.encode(TEXTS, role="query"))


def test_init_goes_on_from_a_folder(tmp_path: Path) -> None:
    """With `init` a backbone has that folder's vocabulary and weights, and draws no text; a wrong one is refused."""
    first = build_backbone(kinds.FeatureBackbone(kind="features", tokens=100), lambda count: TEXTS * 3, seed=1)
    first.save(tmp_path)

    def no_text(count: int) -> list[str]:
        raise AssertionError("text was drawn")

    settings = kinds.FeatureBackbone(kind="features", tokens=999, init=str(tmp_path))
    second = build_backbone(settings, no_text, seed=2)
    torch.testing.assert_close(second.encode(TEXTS, role="query"), first.encode(TEXTS, role="query"))
    with pytest.raises(UsageError, match="checkpoint"):
        build_backbone(settings.model_copy(update={"init": str(tmp_path / "nowhere")}), no_text, seed=2)
