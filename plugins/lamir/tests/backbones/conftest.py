"""Small backbones of every kind, and small folders such as the hub has, made in a moment and without a network."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.building import build_backbone
from harness_lamir.backbones.ids import IdBackbone
from harness_lamir.backbones.vocabulary import word_tokenizer
from harness_lamir.data.rows import Kind, Row, Translation
from tokenizers import processors
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaModel,
    XmodConfig,
    XmodModel,
)

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

TEXTS = [
    "the river and the bridge over it",
    "where is the water?",
    "Москва стоит на реке",
    "東京は日本の首都",
    "ሰላም ዓለም",
    "mto na daraja",
    "a captain, a letter and a long winter on the island of silver",
]
#: What an encoder may be given: nothing, broken text, one word and thousands.
ODD = ["", "  ", "\ud800 lone", "a\x00b", "…", "word " * 60, "x" * 200]
KINDS = ["features", "lexical", "lexicon", "tokens", "scratch", "bert", "xlm-r", "xmod"]


#: What a lexicon is made of.
TRANSLATIONS = [
    ("the river", "река", "ru"),
    ("Moscow stands on the river", "Москва стоит на реке", "ru"),
    ("Tokyo is the capital of Japan", "東京は日本の首都", "ja"),
    ("capital", "首都", "ja"),
    ("where is the water?", "maji yako wapi?", "sw"),
    ("the river and the bridge", "mto na daraja", "sw"),
]


def rows(kind: Kind) -> Iterator[Row]:
    """Yield the rows of a recipe's streams: translations alone."""
    if kind == "parallel":
        yield from (Translation(*row) for row in TRANSLATIONS)


def sample(count: int) -> list[str]:
    """Return so many texts, over and over the same."""
    return (TEXTS * (count // len(TEXTS) + 1))[:count]


def tokenizer_like_roberta() -> PreTrainedTokenizerFast:
    """Return a tokenizer whose padding id is 1, as XLM-R has it: positions are counted from it."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    core = word_tokenizer(TEXTS * 3, size=150, special=special, unknown="<unk>")
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        cls_token="<s>", sep_token="</s>", mask_token="<mask>",
    )  # fmt: skip


SMALL = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return folders of transformers by architecture, random weights in each."""
    root = tmp_path_factory.mktemp("hub")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        words = sorted({word for text in TEXTS for word in text.lower().split()} | set("abcdefghijklmnopqrstuvwxyz"))
        vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *(f"##{c}" for c in "abcdefghijklmnopqrst")]
        bert = BertTokenizer(vocab={word: i for i, word in enumerate(vocabulary)})
        config = {"vocab_size": 200, "max_position_embeddings": 40, **SMALL}
        BertModel(BertConfig(**config)).save_pretrained(root / "bert")
        bert.save_pretrained(root / "bert")
        for name, made in (
            ("xlm-r", XLMRobertaModel(XLMRobertaConfig(**config, pad_token_id=1))),
            ("xmod", XmodModel(XmodConfig(**config, pad_token_id=1, languages=["en_XX", "sw_KE", "ru_RU"]))),
        ):
            made.save_pretrained(root / name)
            tokenizer_like_roberta().save_pretrained(root / name)
    return {name: root / name for name in ("bert", "xlm-r", "xmod")}


@pytest.fixture(scope="session")
def recipes(folders: dict[str, Path]) -> dict[str, kinds.BackboneSettings]:
    """Return the backbone part of a recipe for each of `KINDS`."""
    prompts = {"query": "question: ", "passage": "text: "}
    features = {"kind": "features", "semantic_dim": 12, "tokens": 150, "ngram_buckets": 200, "vocabulary_texts": 50}
    given = {
        "features": kinds.FeatureBackbone(**features),
        "lexical": kinds.FeatureBackbone(**features, lexical_dim=20, lexical_share=0.5, token_weight=2.0),
        "lexicon": kinds.LexiconBackbone(
            kind="lexicon", semantic_dim=12, stem_dim=32, ngram_dim=64, ngram_buckets=200, vocabulary_texts=50
        ),
        "tokens": kinds.TokenBackbone(kind="tokens", dim=12, tokens=150, vocabulary_texts=50),
        "scratch": kinds.ScratchBackbone(
            kind="scratch", layers=2, hidden=16, heads=2, tokens=150, max_tokens=24, vocabulary_texts=50
        ),
    }
    for name, more in (
        ("bert", {"prompts": prompts, "max_tokens": 40}),
        ("xlm-r", {"pooling": "cls", "max_tokens": 30}),
        ("xmod", {"adapters": {"sw": "sw_KE", "ru": "ru_RU", "default": "en_XX"}, "max_tokens": 20}),
    ):
        given[name] = kinds.TransformerBackbone(kind="transformer", model=str(folders[name]), **more)
    return given


@pytest.fixture(scope="session")
def make_backbone(recipes: dict[str, kinds.BackboneSettings]) -> Callable[..., IdBackbone]:
    """Return a function that builds a backbone anew from the name of its kind and a seed, in `eval` mode."""

    def make(kind: str, seed: int = 1) -> IdBackbone:
        backbone = build_backbone(recipes[kind], sample, seed=seed, rows=rows)
        assert isinstance(backbone, IdBackbone)
        return backbone.eval()

    return make
