"""The lexicon as a backbone: it learns a dictionary, and its ids and files say all there is to know of a text."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from harness_lamir.backbones import settings as kinds
from harness_lamir.backbones.building import build_backbone, load_backbone
from harness_lamir.backbones.ids import IdBackbone, pad_rows
from harness_lamir.backbones.lexicon import LexiconBackbone, features
from harness_lamir.data.rows import Kind, Pair, Row, Translation
from harness_lamir.encoder import encoder_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from harness.errors import HarnessError, UsageError

NOUNS = ["water", "stone", "river", "mountain", "bridge", "garden", "winter", "silver", "market", "window", "teacher"]
SETTINGS: dict[str, Any] = {
    "kind": "lexicon", "semantic_dim": 16, "stem_dim": 256, "ngram_dim": 256, "ngram_buckets": 5000,
    "vocabulary_texts": 40,
}  # fmt: skip
TEXTS = [
    "the river",
    "Flüsse, rivers and 1,000 stones",
    "مدينة على النهر",
    "東京は日本の首都",
    "👍🏽 ok",
    "",
    "riverbank river river",
]


def cipher(word: str, shift: int) -> str:
    """Return a word of a made-up language."""
    return "".join(chr((ord(letter) - 97 + shift) % 26 + 97) for letter in word)


def rows(kind: Kind) -> Iterator[Row]:
    """Yield what a recipe's streams hold: two made-up languages, and English questions."""
    rng = Random(0)
    if kind == "parallel":
        for language, shift in (("xa", 5), ("xb", 11)):
            for _ in range(120):
                words = [rng.choice(NOUNS) for _ in range(4)]
                yield Translation(" ".join(words), " ".join(cipher(word, shift) for word in reversed(words)), language)
    if kind == "ir":
        yield Pair("what is a volcano?", "a mountain with a fire")
        yield Pair("was ist ein Vulkan?", "ein Berg mit Feuer", language="de")


def build(given_rows: Callable[[Kind], Iterator[Row]] = rows, seed: int = 1, **changes: Any) -> LexiconBackbone:
    """Build a backbone of made-up text."""
    texts = [row.other for row in rows("parallel") if isinstance(row, Translation)]
    made = build_backbone(
        kinds.LexiconBackbone(**SETTINGS | changes), lambda count: texts[:count], seed=seed, rows=given_rows
    )
    assert isinstance(made, LexiconBackbone)
    return made.eval()


@pytest.fixture(scope="module")
def backbone() -> LexiconBackbone:
    """Return a backbone that tests leave as it is."""
    return build()


@pytest.fixture(scope="module")
def folder(backbone: LexiconBackbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return it saved."""
    path = tmp_path_factory.mktemp("saved")
    backbone.save(path)
    return path


def encoded(backbone: IdBackbone, texts: list[str]) -> np.ndarray:
    """Return vectors without gradients."""
    with torch.no_grad():
        return backbone.encode(texts, role="passage").numpy()


def by_ids(backbone: IdBackbone, ids: list[Any]) -> np.ndarray:
    """Return the vectors of rows of ids."""
    batch = pad_rows(ids, backbone.pad_id)
    with torch.no_grad():
        return backbone.vectors(batch["input_ids"], batch["attention_mask"]).numpy()


def test_a_translation_is_the_nearest_neighbour(backbone: LexiconBackbone) -> None:
    """Without a step of training, and without one letter in common."""
    english = encoded(backbone, NOUNS)
    for shift in (5, 11):
        foreign = encoded(backbone, [cipher(word, shift) for word in NOUNS])
        assert (foreign @ english.T).argmax(axis=1).tolist() == list(range(len(NOUNS)))


def test_english_is_read_where_it_is_english(backbone: LexiconBackbone) -> None:
    """Questions of another language are no English text."""
    assert "volcano" in backbone.lexicon.words and "vulkan" not in backbone.lexicon.words


def test_first_weights_are_document_frequencies() -> None:
    """Stems: idf to a power; their rows: idf; n-grams: idf over the sample, each counted once in a text."""
    plain, flat = build(idf_exponent=1.0).model, build(idf_exponent=0.0).model
    torch.testing.assert_close(plain.stem_weight[: len(plain.semantic_weight)], plain.semantic_weight)
    assert (flat.stem_weight == 1).all()
    backbone = build(ngram_buckets=50)
    texts = [row.other for row in rows("parallel") if isinstance(row, Translation)][:40]
    counts = Counter(n for text in texts for n in {int(n) for w in text.split() for n in backbone._features.ngrams(w)})
    for bucket in range(50):
        expected = max(0.05, np.log(41 / (counts[bucket] + 1)))
        assert backbone.model.ngram_weight[bucket].item() == pytest.approx(expected, rel=1e-5)


def test_aliases_make_two_codes_one_language() -> None:
    """Half of the pairs under another code: together they tell words apart that neither half does."""

    def split(kind: Kind) -> Iterator[Row]:
        if kind == "parallel":
            yield Translation("river stone", "aa bb", "tr")
            yield Translation("river", "aa", "tur")

    apart, together = build(split), build(split, aliases={"tur": "tr"})
    assert len(apart.lexicon.mixture("bb")[0]) == 2
    members, weights = together.lexicon.mixture("bb")
    assert together.lexicon.stems[members[weights.argmax()]] == "stone" and weights.max() > 0.9


def test_a_teacher_sets_the_rows(make_backbone: Callable[..., IdBackbone], tmp_path: Path) -> None:
    """Rows are the teacher's up to a turn; a teacher that will not do is told before anything is read."""
    make_backbone("tokens").save(tmp_path)
    taught = build(teacher=str(tmp_path), semantic_dim=12)
    assert not torch.equal(taught.model.semantic, build(semantic_dim=12).model.semantic)

    def unread(kind: Kind) -> Iterator[Row]:
        raise AssertionError("rows were read")

    with pytest.raises(UsageError, match="have 12 dimensions, and semantic_dim is 16"):
        build(unread, teacher=str(tmp_path))


def test_no_parallel_text_is_told() -> None:
    """A lexicon is made of something."""
    with pytest.raises(UsageError, match="no stream of kind parallel"):
        build(lambda kind: iter(()))


def test_a_weight_too_large_for_float16_is_not_written(tmp_path: Path) -> None:
    """It would be read as infinite, and every vector with it as no number."""
    large = build()
    with torch.no_grad():
        large.model.stem_weight[0] = 70_000
    with pytest.raises(HarnessError, match=r"float16.*stem_weight"):
        large.save(tmp_path)
    assert not list(tmp_path.iterdir())


def test_ids_mean_the_same_everywhere(backbone: LexiconBackbone, folder: Path) -> None:
    """What one process tokenizes another encodes: ids hang on the folder, not on what was read before."""
    other = load_backbone(folder)
    assert isinstance(other, LexiconBackbone)
    encoded(other, ["something else first", *TEXTS[::-1]])
    assert other.ids(TEXTS) == backbone.ids(TEXTS)
    fresh = load_backbone(folder)
    assert isinstance(fresh, LexiconBackbone)
    np.testing.assert_array_equal(by_ids(fresh, backbone.ids(TEXTS)), encoded(other, TEXTS))


WORDS = st.sampled_from([*TEXTS, *NOUNS]) | st.text(max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.lists(WORDS, min_size=1, max_size=4), second=st.lists(WORDS, max_size=4), remembered=st.integers(0, 40))
def test_calls_may_be_interleaved(
    backbone: LexiconBackbone, monkeypatch: pytest.MonkeyPatch, first: list[str], second: list[str], remembered: int
) -> None:
    """Texts that are tokenized before others, and encoded after them, have their vectors; forgetting changes none."""
    expected = encoded(backbone, [text.replace("\ud800", "") for text in first])
    with monkeypatch.context() as patch:
        patch.setattr(features, "_REMEMBERED", remembered)
        backbone._features._forget()
        ids = backbone.ids(first)
        by_ids(backbone, backbone.ids([*second, "a few words more"]))
        backbone._features._forget()
        np.testing.assert_allclose(by_ids(backbone, ids), expected, atol=1e-6)
    backbone._features._forget()


def test_two_encoders_share_nothing(backbone: LexiconBackbone, folder: Path) -> None:
    """Each tokenizes all of its texts, in turn; both give what one alone does."""
    one, two = (encoder_of(load_backbone(folder), name=name, fingerprint=name, batch_tokens=8) for name in "ab")
    rows = [encoder.tokenize(texts) for encoder, texts in ((one, TEXTS), (two, TEXTS[::-1]), (one, NOUNS))]
    assert rows[0] == rows[1][::-1]
    expected = load_backbone(folder)
    np.testing.assert_allclose(one.encode(TEXTS, role="query"), encoded(expected, TEXTS), atol=1e-6)  # type: ignore[arg-type]
    np.testing.assert_allclose(two.encode(TEXTS, role="query"), encoded(expected, TEXTS), atol=1e-6)  # type: ignore[arg-type]


def test_a_batch_lists_every_word_once(backbone: LexiconBackbone) -> None:
    """And a repeated one counts c ** dampening times."""
    batch = backbone.tokenize(["the river", "river the river river"], role="query")
    assert batch["words"].tolist() == [0, 1, 1, 0] and batch["word_starts"].tolist() == [0, 2]
    assert batch["counts"].tolist() == pytest.approx([1, 1, 3**0.6, 1])
    assert len(batch["stem_starts"]) == len(batch["ngram_starts"]) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The RIVER", "the river"),
        ("Caf\u00e9 river", "Cafe\u0301 river"),
        ("river water", "water, river!"),
        ("مَدِينَةٌ", "مدينه"),
        ("river\ud800water", "river water"),
        ("👍 river 👍", "river"),
    ],
)
def test_what_makes_no_difference(backbone: LexiconBackbone, one: str, other: str) -> None:
    """Case, form, order, vowel signs, broken characters, emoji."""
    left, right = encoded(backbone, [one, other])
    np.testing.assert_allclose(left, right, atol=1e-6)
    assert np.linalg.norm(left) == pytest.approx(1, abs=1e-5)


def test_very_long_texts_are_cut(backbone: LexiconBackbone) -> None:
    """At 4096 words and 100,000 characters; one endless word is read as any other."""
    text = " ".join(f"{NOUNS[n % 11]}{n}" for n in range(6000))
    cut = " ".join(text.split()[:4096])
    endless = "x" * 100_000
    vectors = encoded(backbone, [text, cut, endless, endless + "y river", "東京" * 60_000])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    np.testing.assert_allclose(vectors[2], vectors[3], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_weights_are_written_as_halves(backbone: LexiconBackbone, folder: Path) -> None:
    """And read as float32; vectors move by less than a thousandth."""
    weights = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    loaded = load_backbone(folder)
    assert isinstance(loaded, LexiconBackbone)
    assert {weight.dtype for weight in loaded.parameters()} == {torch.float32}
    assert np.abs(encoded(loaded, [*TEXTS, *NOUNS]) - encoded(backbone, [*TEXTS, *NOUNS])).max() < 1e-3
    assert {weight.dtype for weight in backbone.parameters()} == {torch.float32}


def _config(**changes: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return damage


def _without(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        save_file({key: tensor for key, tensor in weights.items() if key != name}, folder / "model.safetensors")

    return damage


def _other_lexicon(folder: Path) -> None:
    build(lambda kind: iter([Translation("one", "un", "fr")] if kind == "parallel" else [])).lexicon.save(folder)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot be loaded"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"no tensors"), "cannot be loaded"),
        (lambda folder: (folder / "words.txt.gz").unlink(), "words.txt.gz: cannot be read"),
        (_without("stem_weight"), "lacks weights.*stem_weight"),
        (_config(semantic_dim=17), "cannot be loaded"),
        (_config(stems="many"), "cannot be loaded"),
        (_other_lexicon, "weights for 1 stems"),
    ],
)
def test_broken_folders_are_told(folder: Path, tmp_path: Path, damage: Callable[[Path], Any], message: str) -> None:
    """What is missing, damaged or of another run is an error, and never a random weight."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    damage(copy)
    with pytest.raises(UsageError, match=message):
        load_backbone(copy)
