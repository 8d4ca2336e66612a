"""Encoders and tokenizers of transformers: what is loaded, and what the library would have let pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers.utils import logging

from harness.encoders.pretrained import load_model, load_tokenizer, positions, quiet_transformers
from harness.errors import UsageError

SIZES = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 24,
}
Change = Callable[[Path], Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small BERT and a tokenizer of words."""
    torch.manual_seed(0)
    transformers.BertModel(transformers.BertConfig(**SIZES)).half().save_pretrained(tmp_path)
    words = {word: i for i, word in enumerate(["[UNK]", "[PAD]", "river", "north"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast: Any = transformers.PreTrainedTokenizerFast
    fast(tokenizer_object=tokenizer, padding_side="left", truncation_side="left").save_pretrained(tmp_path)
    return tmp_path


def test_an_encoder_is_loaded_in_float32_for_use(folder: Path) -> None:
    """Whatever it was saved in, without dropout, and with the weights of its file."""
    model = load_model(folder)
    assert model.dtype == torch.float32 and not model.training
    saved = load_file(folder / "model.safetensors")["embeddings.word_embeddings.weight"]
    assert torch.equal(model.get_input_embeddings().weight, saved.float())


def test_a_caller_may_change_the_configuration(folder: Path) -> None:
    """Before the model is made of it."""
    model = load_model(folder, configure=lambda config: setattr(config, "hidden_dropout_prob", 0.75))
    assert model.embeddings.dropout.p == 0.75


def _incomplete(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if "layer.1.attention.self.query" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def _encoder_decoder(folder: Path) -> None:
    transformers.T5Model(
        transformers.T5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    ).save_pretrained(folder)


def _own_code(folder: Path) -> None:
    config = {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config", "AutoModel": "mine.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "mine.py").write_text("raise SystemExit('ran')")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "config.json").unlink(), r"has no config\.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be loaded"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 64), "cannot be loaded"),
        (lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"), "cannot be loaded"),
        (_incomplete, r"lack 2 of the architecture's, which would be random: .*layer\.1\.attention\.self\.query"),
        (_encoder_decoder, "t5 is an encoder–decoder"),
        (_own_code, "cannot be loaded"),
    ],
    ids=["no configuration", "broken configuration", "broken", "pickled", "incomplete", "encoder-decoder", "code"],
)
def test_what_would_be_no_such_encoder_is_refused(folder: Path, change: Change, said: str) -> None:
    """In one sentence each, with the folder; nothing is drawn at random and no code is run."""
    change(folder)
    with pytest.raises(UsageError, match=said) as caught:
        load_model(folder)
    assert str(folder) in str(caught.value)


def test_a_tokenizer_pads_and_truncates_at_the_right(folder: Path) -> None:
    """A vector must not depend on what a tokenizer was saved with."""
    tokenizer = load_tokenizer(folder)
    assert tokenizer("river north")["input_ids"] == [2, 3]
    assert (tokenizer.padding_side, tokenizer.truncation_side) == ("right", "right")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "tokenizer.json").unlink(), "has no tokenizer"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "its tokenizer cannot be loaded"),
    ],
)
def test_a_tokenizer_that_is_not_there_is_refused(folder: Path, change: Change, said: str) -> None:
    """The library may make an empty one."""
    change(folder)
    with pytest.raises(UsageError, match=said):
        load_tokenizer(folder)


def test_positions_are_those_that_can_be_reached() -> None:
    """BERT reaches its whole table, RoBERTa none before its padding, and a model without a table has no end."""
    assert positions(transformers.BertModel(transformers.BertConfig(**SIZES))) == 24
    roberta = transformers.RobertaModel(transformers.RobertaConfig(**SIZES, pad_token_id=1))
    assert positions(roberta) == 22
    roberta(input_ids=torch.full((1, 22), 5))
    with pytest.raises((IndexError, RuntimeError)):
        roberta(input_ids=torch.full((1, 23), 5))
    config = transformers.T5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    assert positions(transformers.T5EncoderModel(config)) is None


@pytest.mark.parametrize("bars", [True, False])
def test_the_library_is_as_loud_afterwards_as_before(bars: bool) -> None:
    """Also where the block ends in an error."""
    theirs: Any = logging
    before, verbosity = theirs.is_progress_bar_enabled(), theirs.get_verbosity()
    try:
        (theirs.enable_progress_bar if bars else theirs.disable_progress_bar)()
        theirs.set_verbosity_info()
        with pytest.raises(KeyError), quiet_transformers():
            assert not theirs.is_progress_bar_enabled() and theirs.get_verbosity() == theirs.ERROR
            raise KeyError
        assert theirs.is_progress_bar_enabled() == bars and theirs.get_verbosity() == theirs.INFO
    finally:
        theirs.set_verbosity(verbosity)
        (theirs.enable_progress_bar if before else theirs.disable_progress_bar)()
