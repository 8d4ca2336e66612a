"""The encoder: the shipped checkpoint, folders of every kind, and the files they come from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.building import build_backbone, load_backbone
from harness_lamir.backbones.settings import BackboneSettings
from harness_lamir.encoder import (
    LamirEncoder,
    checkpoint_fingerprint,
    encoder_of,
    load,
    shipped_checkpoint,
    weights_fingerprint,
)
from harness_lamir.plugin import TRAINING_DATASETS, LamirOptions
from transformers import AutoTokenizer, XmodConfig, XmodModel

from harness.encoders.protocols import Encoder
from harness.errors import UsageError
from harness.testing import CHECKS, Subject, parametrize_with_checks, run_checks

WORDLESS = ["", "   ", "😀", "?!"]
ODD = [*WORDLESS, "\ud800 lone", "a\x00b", "Москва", "東京は日本の首都です"]
ODD += ["x" * 100_000, "w " * 50_000]
FINGERPRINT = "5335aa2697c2a909248aea99006deff3967a3c138720091e2da117e04501ca99"


@pytest.fixture(scope="module")
def encoder() -> LamirEncoder:
    """Return the shipped encoder on the CPU."""
    return load(LamirOptions(device="cpu"))


def test_it_is_an_encoder(encoder: LamirEncoder) -> None:
    """It satisfies the protocol, and says what it is."""
    assert isinstance(encoder, Encoder)
    info = encoder.info
    assert (info.name, info.dim, info.similarity, info.normalized) == ("lamir", 2048, "cosine", True)
    assert info.model == "lamir-pocket"
    assert info.training_datasets == TRAINING_DATASETS


def test_any_text_has_a_finite_vector(encoder: LamirEncoder) -> None:
    """Of unit length, for broken and endless texts too; zeros where there is no word to go by; twice the same."""
    vectors = encoder.encode(ODD, role="query")
    assert vectors.shape == (len(ODD), 2048) and vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths[len(WORDLESS) :], 1, atol=1e-5)
    assert not lengths[: len(WORDLESS)].any()
    np.testing.assert_array_equal(vectors, encoder.encode(ODD, role="passage"))


def test_a_text_does_not_depend_on_its_company(encoder: LamirEncoder) -> None:
    """Alone or in any order or batch size, a text has its one vector."""
    whole = encoder.encode(ODD, role="query")
    alone = np.concatenate([encoder.encode([text], role="query") for text in ODD])
    reverse = encoder.encode(ODD[::-1], role="query")[::-1]
    small = load(LamirOptions(device="cpu", batch_tokens=64)).encode(ODD, role="query")
    for other in (alone, reverse, small):
        np.testing.assert_allclose(other, whole, atol=1e-6)


def test_translations_are_near(encoder: LamirEncoder) -> None:
    """A question finds its subject in another language before another subject."""
    query, right, wrong = encoder.encode(
        ["Where is the river?", "Der Fluss ist in Afrika.", "Der Präsident kaufte ein Buch."],
        role="query",
    )
    assert query @ right > query @ wrong


def test_half_precision_agrees(encoder: LamirEncoder) -> None:
    """bfloat16 moves cosines by little."""
    half = load(LamirOptions(device="cpu", dtype="bfloat16"))
    texts = ["the river", "a bridge over water", "le pont"]
    np.testing.assert_allclose(half.encode(texts, role="query"), encoder.encode(texts, role="query"), atol=0.02)


def test_the_shipped_checkpoint_is_small_and_safe() -> None:
    """At most 16 MB in all, no format that can run code, and the files one expects."""
    files = {path.name: path.stat().st_size for path in shipped_checkpoint().iterdir()}
    assert sum(files.values()) <= 16_000_000
    assert set(files) == {
        "README.md",
        "config.json",
        "config_sentence_transformers.json",
        "lexicon.safetensors",
        "model.safetensors",
        "modules.json",
        "recipe.json",
        "stems.txt.gz",
        "words.txt.gz",
    }


def test_the_fingerprint_is_stable(encoder: LamirEncoder, tmp_path: Path) -> None:
    """It is that of the committed files, survives a copy, and changes with any of them."""
    copy = tmp_path / "copy"
    shutil.copytree(shipped_checkpoint(), copy)
    (copy / "README.md").write_text("another card")
    assert checkpoint_fingerprint(copy) == encoder.info.fingerprint == FINGERPRINT
    config = (copy / "config.json").read_text()
    (copy / "config.json").write_text(config.replace('"dampening": 0.6', '"dampening": 0.5'))
    assert checkpoint_fingerprint(copy) != FINGERPRINT


def test_a_folder_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    """Missing files are listed; parts of different runs are told apart."""
    with pytest.raises(UsageError, match=r"has no config\.json"):
        load(LamirOptions(checkpoint=str(tmp_path)))
    copy = tmp_path / "copy"
    shutil.copytree(shipped_checkpoint(), copy)
    (copy / "words.txt.gz").rename(copy / "other.gz")
    with pytest.raises(UsageError, match=r"words\.txt\.gz"):
        load(LamirOptions(checkpoint=str(copy)))
    (copy / "other.gz").rename(copy / "words.txt.gz")
    config = copy / "config.json"
    original = config.read_text()
    config.write_text(original.replace('"stems": 60000', '"stems": 59999'))
    with pytest.raises(UsageError, match=r"different runs|cannot be loaded"):
        load(LamirOptions(checkpoint=str(copy)))
    config.write_text("[]")
    with pytest.raises(UsageError, match=r"config\.json"):
        load(LamirOptions(checkpoint=str(copy)))
    config.write_text(original)
    (copy / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(UsageError, match="cannot be loaded"):
        load(LamirOptions(checkpoint=str(copy)))


def test_a_recipe_of_another_make_is_told(tmp_path: Path) -> None:
    """A `recipe.json` that is none of ours is an error that names it, not a traceback."""
    copy = tmp_path / "copy"
    shutil.copytree(shipped_checkpoint(), copy)
    for content in ("{", "[]", '{"streams": {"x": {}}}'):
        (copy / "recipe.json").write_text(content)
        with pytest.raises(UsageError, match=r"recipe\.json: is no recipe"):
            load(LamirOptions(checkpoint=str(copy)))


TEXTS = ["the river and the bridge over it", "where is the water?", "Москва стоит на реке", "東京は日本の首都"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a folder of each kind but the shipped one; the transformer has prompts, and XMOD adapters."""
    root = tmp_path_factory.mktemp("saved")
    common = {"tokens": 150, "vocabulary_texts": 40}
    made: dict[str, BackboneSettings] = {
        "features": kinds.FeatureBackbone(kind="features", semantic_dim=16, ngram_buckets=300, **common),
        "tokens": kinds.TokenBackbone(kind="tokens", dim=16, **common),
        "scratch": kinds.ScratchBackbone(kind="scratch", hidden=32, max_tokens=64, **common),
    }
    for name, settings in made.items():
        (root / name).mkdir()
        build_backbone(settings, lambda count: (TEXTS * count)[:count], seed=2).save(root / name)
    xmod = XmodModel(
        XmodConfig(
            vocab_size=200, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
            max_position_embeddings=40, pad_token_id=0, languages=["en_XX", "sw_KE"],
        )
    )  # fmt: skip
    xmod.save_pretrained(root / "xmod-base")
    AutoTokenizer.from_pretrained(root / "scratch").save_pretrained(root / "xmod-base")
    for name, folder, more in (
        ("transformer", "scratch", {"prompts": {"query": "question: ", "passage": "text: "}, "max_tokens": 32}),
        ("xmod", "xmod-base", {"adapters": {"sw": "sw_KE", "default": "en_XX"}, "max_tokens": 32}),
    ):
        settings = kinds.TransformerBackbone(kind="transformer", model=str(root / folder), **more)
        (root / name).mkdir()
        build_backbone(settings, lambda _: [], seed=2).save(root / name)
    return {name: root / name for name in ("features", "tokens", "scratch", "transformer", "xmod")}


@pytest.mark.parametrize("kind", ["features", "tokens", "scratch", "transformer", "xmod"])
def test_every_kind_meets_the_contract(saved: dict[str, Path], kind: str) -> None:
    """The conformance kit finds nothing in a folder of any kind; options reach it as on the command line."""
    outcomes = run_checks(Subject("lamir", {"checkpoint": str(saved[kind]), "device": "cpu"}), CHECKS[1:])
    assert [(outcome.check.id, outcome.reason) for outcome in outcomes if outcome.status != "passed"] == []


@pytest.mark.parametrize("kind", ["features", "tokens", "scratch", "xmod"])
def test_every_kind_runs_in_half_precision(saved: dict[str, Path], kind: str) -> None:
    """bfloat16 weights move a cosine by little, and vectors stay float32 of unit length."""
    folder = str(saved[kind])
    half = load(LamirOptions(checkpoint=folder, device="cpu", dtype="bfloat16")).encode(TEXTS, role="query")
    full = load(LamirOptions(checkpoint=folder, device="cpu", dtype="float32")).encode(TEXTS, role="query")
    assert half.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(half, axis=1), 1, atol=1e-5)
    assert ((half * full).sum(axis=1) > 0.99).all()


def test_prompts_and_languages_are_honoured(saved: dict[str, Path]) -> None:
    """A role's prompt and a language's adapter decide the vector, and the declaration says so."""
    prompted = load(LamirOptions(checkpoint=str(saved["transformer"]), device="cpu"))
    assert prompted.info.prompts == {"query": "question: ", "passage": "text: "}
    assert not prompted.info.language_aware
    plain = load(LamirOptions(checkpoint=str(saved["scratch"]), device="cpu"))
    asked = plain.encode([f"question: {text}" for text in TEXTS], role="passage")
    np.testing.assert_allclose(prompted.encode(TEXTS, role="query"), asked, atol=1e-6)
    modular = load(LamirOptions(checkpoint=str(saved["xmod"]), device="cpu"))
    assert modular.info.language_aware
    english, none, swahili = (modular.encode(TEXTS, role="query", language=code) for code in ("en", None, "sw"))
    np.testing.assert_array_equal(english, none)
    assert np.abs(english - swahili).max() > 1e-4


@pytest.mark.parametrize("kind", ["features", "tokens", "transformer"])
def test_the_fingerprint_follows_what_decides_a_vector(saved: dict[str, Path], kind: str, tmp_path: Path) -> None:
    """A card, a recipe or a log beside the weights changes nothing; weights and vocabulary do."""
    copy = tmp_path / "copy"
    shutil.copytree(saved[kind], copy)
    before = checkpoint_fingerprint(copy)
    assert before == checkpoint_fingerprint(saved[kind])
    for name in ("README.md", "recipe.json", "log.jsonl"):
        (copy / name).write_text("{}")
    assert checkpoint_fingerprint(copy) == before
    vocabulary = copy / "tokenizer.json"
    vocabulary.write_text(vocabulary.read_text() + " ")
    assert checkpoint_fingerprint(copy) != before


def test_an_encoder_shares_the_weights_that_are_trained(saved: dict[str, Path]) -> None:
    """Evaluating while training sees the last step, and its fingerprint moves with the weights."""
    backbone = load_backbone(saved["tokens"]).train()
    encoder = encoder_of(backbone, name="run", fingerprint=weights_fingerprint(backbone))
    before, first = encoder.encode(TEXTS, role="query"), weights_fingerprint(backbone)
    assert (encoder.info.name, encoder.info.fingerprint) == ("run", first)
    with torch.no_grad():
        for weight in backbone.parameters():
            weight.add_(torch.linspace(0, 1, weight.numel()).view_as(weight))
    assert weights_fingerprint(backbone) != first
    assert np.abs(encoder.encode(TEXTS, role="query") - before).max() > 1e-3
    with torch.no_grad():
        expected = backbone.encode(TEXTS, role="query").numpy()
    np.testing.assert_allclose(encoder.encode(TEXTS, role="query"), expected, atol=1e-6)


def test_only_backbones_of_ids_can_be_batched() -> None:
    """Another module is refused by its name."""
    with pytest.raises(TypeError, match="Linear is no IdBackbone"):
        encoder_of(torch.nn.Linear(1, 1), name="x", fingerprint="y")  # type: ignore[arg-type]


@parametrize_with_checks("lamir", device="cpu")
def test_the_contract_of_the_harness(check: Callable[[], None]) -> None:
    """The harness's own conformance kit finds nothing."""
    check()
