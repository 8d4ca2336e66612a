"""A transformer from scratch: its size, its vocabulary, and the folder it leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.building import build_backbone, kind_of, load_backbone
from harness_lamir.backbones.scratch import ScratchBackbone
from harness_lamir.backbones.transformer import TransformerBackbone

TEXTS = ["the river and the bridge", "Москва стоит на реке", "東京は日本の首都", "the water"]


@pytest.fixture(scope="module")
def backbone() -> ScratchBackbone:
    """Return a small one."""
    settings = kinds.ScratchBackbone(
        kind="scratch",
        layers=3,
        hidden=24,
        heads=4,
        tokens=100,
        max_tokens=12,
        pooling="cls",
        dropout=0.2,
        vocabulary_texts=40,
    )
    built = build_backbone(settings, lambda count: (TEXTS * count)[:count], seed=4)
    assert isinstance(built, ScratchBackbone)
    return built


def test_the_recipe_decides_its_size(backbone: ScratchBackbone) -> None:
    """Layers, dimensions, heads, positions, vocabulary, pooling and dropout are the recipe's."""
    config = backbone.model.config
    assert (config.num_hidden_layers, config.hidden_size, config.num_attention_heads) == (3, 24, 4)
    assert (config.max_position_embeddings, backbone.max_tokens, backbone.dim) == (12, 12, 24)
    assert config.vocab_size == len(backbone.tokenizer) <= 100
    assert backbone.pooling == "cls"
    assert {module.p for module in backbone.modules() if isinstance(module, torch.nn.Dropout)} == {0.2}


def test_texts_are_framed_and_cut(backbone: ScratchBackbone) -> None:
    """Every text begins with [CLS] and ends with [SEP], a long one too."""
    first, last = backbone.tokenizer.cls_token_id, backbone.tokenizer.sep_token_id
    for row in backbone.ids(["", "the river", "the river " * 50]):
        assert (row[0], row[-1]) == (first, last)
        assert len(row) <= 12


def test_words_of_the_text_are_tokens(backbone: ScratchBackbone) -> None:
    """Frequent words come out whole, lowercased; scripts and punctuation are cut apart."""
    tokens = backbone.tokenizer.tokenize("The river,Москва")
    assert tokens[:2] == ["▁the", "▁river"]
    assert not any("," in token and len(token.strip("▁")) > 1 for token in tokens)


def test_it_leaves_a_transformer_folder(backbone: ScratchBackbone, tmp_path: Path) -> None:
    """What is saved is of kind `transformer`, and a recipe can go on from it."""
    backbone.save(tmp_path)
    assert kind_of(tmp_path) == "transformer"
    assert type(load_backbone(tmp_path)) is TransformerBackbone
    settings = kinds.TransformerBackbone(kind="transformer", model=str(tmp_path), max_tokens=8, pooling="cls")
    again = build_backbone(settings, lambda _: [], seed=0)
    with torch.no_grad():
        expected = backbone.eval().encode(["the water"], role="query")
        torch.testing.assert_close(again.eval().encode(["the water"], role="query"), expected)
