"""The model against a slow one in numpy, its hashing, and its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from harness_lamir.backbones.lexicon.model import LexiconConfig, LexiconModel
from hypothesis import given, settings
from hypothesis import strategies as st

STEMS, SEMANTIC, GRAMS = 9, 5, 20
Word = tuple[list[int], list[float], list[int]]
WORDS: list[Word] = [
    ([0, 7], [0.25, 0.75], [1, 1, 19]),
    ([], [], [4]),  # a number: no stems
    ([8], [1.0], []),  # no spelling
    ([1, 2, 4], [0.5, 0.25, 0.25], [3, 4, 5, 6]),
    ([], [], []),
]


def small(**changes: Any) -> LexiconModel:
    """Return a model of float64 whose weights all differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        shape = {"semantic_dim": 4, "stem_dim": 6, "ngram_dim": 7, "shares": (0.5, 0.3, 0.2)} | changes
        model = LexiconModel(LexiconConfig(STEMS, SEMANTIC, GRAMS, **shape)).double()
        for weight in (model.semantic_weight, model.stem_weight, model.ngram_weight):
            torch.nn.init.uniform_(weight, 0.5, 2)
    return model.eval()


def laid_out(texts: list[dict[int, float]], words: list[Word] = WORDS) -> dict[str, torch.Tensor]:
    """Lay texts, words with their counts, end to end."""

    def starts(rows: list[Any]) -> torch.Tensor:
        return torch.tensor(np.cumsum([0, *map(len, rows)])[:-1], dtype=torch.int64)

    return {
        "stems": torch.tensor([stem for word in words for stem in word[0]], dtype=torch.int64),
        "values": torch.tensor([value for word in words for value in word[1]], dtype=torch.float32),
        "stem_starts": starts([word[0] for word in words]),
        "ngrams": torch.tensor([gram for word in words for gram in word[2]], dtype=torch.int64),
        "ngram_starts": starts([word[2] for word in words]),
        "words": torch.tensor([word for text in texts for word in text], dtype=torch.int64),
        "counts": torch.tensor([count for text in texts for count in text.values()], dtype=torch.float32),
        "word_starts": starts(texts),
    }


def hashed(number: int, size: int) -> tuple[int, int]:
    """Return the place and the sign of a feature."""
    return (number * 2_654_435_761 >> 8) % size, -1 if (number * 2_246_822_519 >> 16) & 1 else 1


def slow(model: LexiconModel, text: dict[int, float]) -> np.ndarray:
    """Return a text's vector, feature by feature."""
    config, weights = model.config, {name: tensor.detach().numpy() for name, tensor in model.named_parameters()}
    parts = [np.zeros(size) for size in (config.semantic_dim, config.stem_dim, config.ngram_dim)]
    for word, count in text.items():
        stems, values, grams = WORDS[word]
        for stem, value in zip(stems, values, strict=True):
            if stem < config.semantic_stems:
                parts[0] += count * value * weights["semantic_weight"][stem] * weights["semantic"][stem]
            place, sign = hashed(stem, config.stem_dim)
            parts[1][place] += sign * count * value * weights["stem_weight"][stem]
        for gram in grams:
            place, sign = hashed(gram, config.ngram_dim)
            parts[2][place] += sign * count * weights["ngram_weight"][gram]
    scaled = [part / (np.linalg.norm(part) or 1) * share**0.5 for part, share in zip(parts, config.shares, strict=True)]
    vector = np.concatenate(scaled)
    return vector / (np.linalg.norm(vector) or 1)


TEXTS = st.lists(
    st.dictionaries(st.integers(0, 4), st.sampled_from([1.0, 1.5, 3.0]), max_size=5), min_size=1, max_size=5
)


@settings(deadline=None)
@given(TEXTS)
def test_vectors_are_those_of_the_slow_one(texts: list[dict[int, float]]) -> None:
    """In batches of any texts, empty ones too: unit vectors, or zeros where there is nothing."""
    model = small()
    with torch.no_grad():
        found = model(**laid_out(texts)).numpy()
    np.testing.assert_allclose(found, np.stack([slow(model, text) for text in texts]), atol=1e-12)
    lengths = np.linalg.norm(found, axis=1)
    assert all(abs(length) < 1e-12 or abs(length - 1) < 1e-12 for length in lengths)


def test_sums_of_sums_are_sums() -> None:
    """A text's sum is that of its words, each times its count."""
    model = small()
    with torch.no_grad():
        words = model.sums(**laid_out([{number: 1.0} for number in range(len(WORDS))]))
        text = model.sums(**laid_out([{0: 2.0, 3: 1.5, 4: 1.0}]))
    torch.testing.assert_close(text[0], 2 * words[0] + 1.5 * words[3] + words[4])


def test_nothing_at_all() -> None:
    """No texts give no rows; texts without words, and words without features, give zeros."""
    model = small()
    assert model(**laid_out([], [])).shape == (0, 17)
    assert not model(**laid_out([{}, {}], [])).any()
    assert not model(**laid_out([{4: 1.0}])).any()


def test_gradients_are_those_of_finite_differences() -> None:
    """All four weights are learned, through hashing and both normalisations."""
    model = small().train()
    batch = laid_out([{0: 2.0, 3: 1.0}, {1: 1.0, 2: 1.5, 3: 3.0}, {}])
    target = torch.linspace(-1, 1, 17, dtype=torch.float64)
    names = [name for name, _ in model.named_parameters()]
    assert sorted(names) == ["ngram_weight", "semantic", "semantic_weight", "stem_weight"]

    def loss(*weights: torch.Tensor) -> torch.Tensor:
        vectors = torch.func.functional_call(model, dict(zip(names, weights, strict=True)), kwargs=batch, args=())
        return (vectors @ target).square().sum()

    weights = tuple(weight.detach().clone().requires_grad_() for weight in model.parameters())
    assert torch.autograd.gradcheck(loss, weights)
    slopes = torch.autograd.grad(loss(*weights), weights)
    assert all(slope.abs().sum() > 0 for slope in slopes)


def test_hashed_dot_products_are_unbiased() -> None:
    """Two texts of random stems: their dot product in hashed places is, in the mean, the exact one."""
    rng = np.random.default_rng(0)
    size, rounds = 64, 4000
    shape = {"semantic_dim": 1, "stem_dim": size, "ngram_dim": 1}
    model = LexiconModel(LexiconConfig(60_000, 1, 1, **shape)).eval()
    words: list[Word] = []
    for _ in range(rounds):
        common, left, right = np.split(rng.choice(60_000, 30, replace=False), 3)
        for own in (left, right):
            words.append(([*common.tolist(), *own.tolist()], [1.0] * 20, []))
    with torch.no_grad():
        sums = model.sums(**laid_out([{number: 1.0} for number in range(2 * rounds)], words))[:, 1 : 1 + size].numpy()
    products = (sums[::2] * sums[1::2]).sum(axis=1)
    error = float(products.std()) / rounds**0.5
    assert float(products.mean()) == pytest.approx(10, abs=4 * error)
    assert float(products.std()) == pytest.approx(
        (20 * 20 / size) ** 0.5, rel=0.3
    )  # about one over the root of the places


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_no_trap(dtype: torch.dtype) -> None:
    """A part that a text lacks is zero, not NaN, and vectors stay near those of full weights."""
    texts = [{0: 2.0, 3: 1.0}, {1: 1.0}, {2: 1.0}, {}]
    with torch.no_grad():
        expected = small()(**laid_out(texts))
        found = small().to(dtype)(**laid_out(texts))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, atol=0.02, rtol=0)
