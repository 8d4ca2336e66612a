"""A small transformer from scratch: BERT's architecture, random weights, a vocabulary of the recipe's own text.

What it saves is a folder like that of any other BERT, and loads as a backbone of kind `transformer`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from tokenizers import processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from harness.errors import UsageError
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.transformer import TransformerBackbone
from harness_lamir.backbones.vocabulary import word_tokenizer

__all__ = ["ScratchBackbone"]

_PAD, _UNK, _CLS, _SEP, _MASK = _SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class ScratchBackbone(TransformerBackbone):
    """A transformer that was never trained before."""

    @classmethod
    def build(  # type: ignore[override]  # settings of another kind
        cls, settings: kinds.ScratchBackbone, sample_texts: Callable[[int], list[str]], *, seed: int
    ) -> ScratchBackbone:
        """Learn a vocabulary and draw all weights, by the seed alone."""
        texts = sample_texts(settings.vocabulary_texts)
        if not texts:
            raise UsageError("backbone: there is no text to learn a vocabulary from")
        tokenizer = _tokenizer(texts, settings)
        config = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=settings.hidden,
            num_hidden_layers=settings.layers,
            num_attention_heads=settings.heads,
            intermediate_size=4 * settings.hidden,
            max_position_embeddings=settings.max_tokens,
            type_vocab_size=1,
            hidden_dropout_prob=settings.dropout,
            attention_probs_dropout_prob=settings.dropout,
            pad_token_id=tokenizer.pad_token_id,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = BertModel(config).eval()
        return cls(model, tokenizer, pooling=settings.pooling, max_tokens=settings.max_tokens)


def _tokenizer(texts: list[str], settings: kinds.ScratchBackbone) -> PreTrainedTokenizerFast:
    """Train a tokenizer that frames every text by [CLS] and [SEP]."""
    core = word_tokenizer(texts, size=settings.tokens, special=_SPECIAL, unknown=_UNK)
    ids = {token: core.token_to_id(token) for token in (_CLS, _SEP)}
    core.post_processor = processors.TemplateProcessing(
        single=f"{_CLS} $A {_SEP}", pair=f"{_CLS} $A {_SEP} $B {_SEP}", special_tokens=list(ids.items())
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        model_max_length=settings.max_tokens,
        pad_token=_PAD,
        unk_token=_UNK,
        cls_token=_CLS,
        sep_token=_SEP,
        mask_token=_MASK,
    )
