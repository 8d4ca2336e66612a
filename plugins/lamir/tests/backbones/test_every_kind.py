"""What holds for backbones of every kind: vectors, files, seeds, and three ways to load a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from harness_lamir.backbones.building import kind_of, load_backbone
from harness_lamir.backbones.ids import IdBackbone
from harness_lamir.encoder import encoder_of, weights_fingerprint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.encoders.text import without_surrogates

KINDS = ["features", "lexical", "lexicon", "tokens", "scratch", "bert", "xlm-r", "xmod"]
TEXTS = ["the river", "where is the water?", "Москва стоит на реке", "東京は日本の首都", "a captain and a letter " * 9]
ODD = ["", "  ", "\ud800 lone", "a\x00b", "…", "word " * 60, "x" * 200]
LANGUAGES = ["en", "en", "ru", "ja", "sw"]

Make = Callable[..., IdBackbone]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Return the name of a kind."""
    return str(request.param)


@pytest.fixture(scope="module")
def backbone(kind: str, make_backbone: Make) -> IdBackbone:
    """Return a backbone of that kind, which tests leave as it is."""
    return make_backbone(kind)


def encoded(backbone: IdBackbone, texts: list[str], **more: Any) -> np.ndarray:
    """Return vectors without gradients."""
    with torch.no_grad():
        return backbone.encode(texts, role=more.pop("role", "passage"), **more).numpy()


def test_vectors_are_float32_of_unit_length(backbone: IdBackbone) -> None:
    """One row for each text, whatever the text; only a text without tokens may be zero."""
    vectors = encoded(backbone, [*TEXTS, *ODD])
    assert vectors.shape == (len(TEXTS) + len(ODD), backbone.dim) and vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    lengths = np.linalg.norm(vectors, axis=1)
    tokens = np.array([len(row) for row in backbone.ids(backbone.prompted([*TEXTS, *ODD], "passage"))])
    np.testing.assert_allclose(lengths, tokens > 0, atol=1e-5)
    np.testing.assert_allclose(lengths[: len(TEXTS)], 1, atol=1e-5)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(company=st.lists(st.sampled_from([*TEXTS, *ODD]) | st.text(max_size=30), max_size=6), place=st.integers(0, 6))
def test_company_never_changes_a_vector(backbone: IdBackbone, company: list[str], place: int) -> None:
    """A text has one vector in a batch of any composition, alone, and behind the encoder."""
    batch = [*company[:place], TEXTS[0], *company[place:]]
    where = min(place, len(company))
    alone = encoded(backbone, [TEXTS[0]])[0]
    np.testing.assert_allclose(encoded(backbone, batch)[where], alone, atol=1e-6)


def test_the_encoder_gives_the_vectors_of_the_backbone(backbone: IdBackbone) -> None:
    """Batched by length and padded by the core, in each role and language."""
    encoder = encoder_of(backbone, name="x", fingerprint="y", batch_tokens=64)
    for role in ("query", "passage"):
        for language in (None, "sw", "xx"):
            languages = None if language is None else [language] * len([*TEXTS, *ODD])
            expected = encoded(backbone, [*TEXTS, *ODD], role=role, languages=languages)
            found = encoder.encode([*TEXTS, *ODD], role=role, language=language)
            np.testing.assert_allclose(found, expected, atol=1e-6)
    assert encoder.info.dim == backbone.dim and encoder.info.max_tokens == backbone.max_tokens


def test_a_round_trip_keeps_vectors_and_settings(backbone: IdBackbone, tmp_path: Path) -> None:
    """What is saved and loaded encodes as before, roles and languages included, and saves the same again."""
    backbone.save(tmp_path)
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} <= {".json", ".safetensors", ".gz"}
    loaded = load_backbone(tmp_path)
    assert isinstance(loaded, IdBackbone)
    assert (loaded.dim, loaded.max_tokens, loaded.prompts) == (backbone.dim, backbone.max_tokens, backbone.prompts)
    assert loaded.language_aware == backbone.language_aware
    for role in ("query", "passage"):
        np.testing.assert_allclose(
            encoded(loaded.eval(), TEXTS, role=role, languages=LANGUAGES),
            encoded(backbone, TEXTS, role=role, languages=LANGUAGES),
            atol=_rounding(tmp_path),
        )
    second = tmp_path / "again"
    second.mkdir()
    loaded.save(second)
    assert kind_of(second) == kind_of(tmp_path)
    assert np.abs(encoded(load_backbone(second), TEXTS) - encoded(loaded, TEXTS)).max() <= 1e-6  # type: ignore[arg-type]


def test_sentence_transformers_gives_the_same_vectors(backbone: IdBackbone, tmp_path: Path) -> None:
    """Its own prompts, pooling, length and normalisation; odd texts, too."""
    backbone.save(tmp_path)
    # Only static backbones of our own need a class of ours, which the library imports when it is told to.
    other = sentence_transformer(tmp_path, trust_remote_code=kind_of(tmp_path) in ("features", "lexicon"))
    texts = [without_surrogates(text) for text in [*TEXTS, *ODD]]
    ask = {"query": other.encode_query, "passage": other.encode_document}
    for role in ("query", "passage"):
        vectors = ask[role](texts, batch_size=3, show_progress_bar=False)
        np.testing.assert_allclose(vectors, encoded(backbone, texts, role=role), atol=_rounding(tmp_path))
    assert other.prompts == {name: backbone.prompts.get(role, "") for name, role in ROLE_OF.items()}


ROLE_OF = {"query": "query", "passage": "passage", "document": "passage"}


def test_transformers_gives_the_same_vectors(backbone: IdBackbone, tmp_path: Path) -> None:
    """AutoModel on AutoTokenizer's batch, pooled by hand in float64; the features' model pools by itself."""
    from transformers import AutoModel, AutoTokenizer

    backbone.save(tmp_path)
    texts = [backbone.prompts.get("passage", "") + text for text in TEXTS]
    expected = encoded(backbone, TEXTS)
    if kind_of(tmp_path) == "tokens":
        tokenizer = AutoTokenizer.from_pretrained(tmp_path)
        assert tokenizer(texts, add_special_tokens=False)["input_ids"] == backbone.ids(texts)
        return
    with torch.no_grad():
        model = AutoModel.from_pretrained(tmp_path).eval()
        if kind_of(tmp_path) == "features":
            ids = [torch.tensor([row]) for row in backbone.ids(texts)]
            found = torch.cat([model(row) for row in ids]).numpy()
        elif kind_of(tmp_path) == "lexicon":
            found = model(**backbone.tokenize(texts, role="passage")).numpy()
        else:
            tokenizer = AutoTokenizer.from_pretrained(tmp_path)
            batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
            states = model(**batch).last_hidden_state.double().numpy()
            mask = batch["attention_mask"].numpy()[:, :, None]
            pooled = states[:, 0] if backbone.pooling == "cls" else (states * mask).sum(1) / mask.sum(1)
            found = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=_rounding(tmp_path))


def _rounding(folder: Path) -> float:
    """Return how far vectors may move by a round trip: the lexicon writes its weights with half the digits."""
    return 1e-3 if kind_of(folder) == "lexicon" else 1e-6


def test_a_seed_decides_every_byte(kind: str, make_backbone: Make, tmp_path: Path) -> None:
    """Two builds by one seed write the same files; the global generator is left alone."""
    state = torch.get_rng_state()
    folders = []
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        folder = tmp_path / name
        folder.mkdir()
        make_backbone(kind, seed).save(folder)
        folders.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    assert torch.equal(torch.get_rng_state(), state)
    assert folders[0] == folders[1]
    pretrained = kind in ("bert", "xlm-r", "xmod")
    assert (folders[0][Path("model.safetensors")] == folders[2][Path("model.safetensors")]) == pretrained


def test_every_trained_weight_learns(kind: str, make_backbone: Make) -> None:
    """A loss moves all parameters that ask for a gradient, and the fingerprint with them."""
    backbone = make_backbone(kind)
    before = weights_fingerprint(backbone)
    vectors = backbone.encode(TEXTS, role="query", languages=["en", "sw", "ru", "en", "sw"])
    (vectors[:1] * vectors[1:]).sum().backward()
    trained = {name: weight.grad for name, weight in backbone.named_parameters() if weight.requires_grad}
    assert trained
    untouched = [name for name, grad in trained.items() if grad is None or not grad.abs().sum()]
    assert not [name for name in untouched if not name.endswith("key.bias")]  # softmax is blind to a key's bias
    assert weights_fingerprint(backbone) == before
    with torch.no_grad():
        next(iter(backbone.parameters())).mul_(1.5)
    assert weights_fingerprint(backbone) != before


def test_a_copy_is_a_backbone_of_its_own(backbone: IdBackbone) -> None:
    """Momentum encoders are deep copies: the same vectors, other weights."""
    copy = deepcopy(backbone)
    np.testing.assert_array_equal(encoded(copy, TEXTS), encoded(backbone, TEXTS))
    before = weights_fingerprint(backbone)
    with torch.no_grad():
        for weight in copy.parameters():
            weight.zero_()
    assert weights_fingerprint(backbone) == before != weights_fingerprint(copy)


def test_lengths_order_texts_by_cost(backbone: IdBackbone) -> None:
    """A longer text never counts as cheaper than a much shorter one."""
    short, long = backbone.lengths(["the river", "the river " * 50])
    assert 0 < short < long


def test_nothing_is_printed(kind: str, make_backbone: Make, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither bars nor warnings of transformers reach the terminal."""
    with bars_enabled():
        backbone = make_backbone(kind)
        backbone.save(tmp_path)
        encoded(load_backbone(tmp_path), [*TEXTS, *ODD])  # type: ignore[arg-type]
    assert capfd.readouterr() == ("", "")


@contextmanager
def bars_enabled() -> Iterator[None]:
    """Switch transformers' bars on, which is what an application starts with."""
    from transformers.utils import logging

    before = logging.is_progress_bar_enabled()
    logging.enable_progress_bar()
    yield
    if not before:
        logging.disable_progress_bar()


def sentence_transformer(folder: Path, **options: Any) -> Any:
    """Return a folder as sentence-transformers loads it, or skip where that library is not installed."""
    library = pytest.importorskip("sentence_transformers")
    return library.SentenceTransformer(str(folder), device="cpu", local_files_only=True, **options)
