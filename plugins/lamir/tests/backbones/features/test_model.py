"""The model against a numpy reference, and its round trip through a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from harness_lamir.backbones.features.model import LamirConfig, LamirModel

SEMANTIC, LEXICAL, SHARE = 6, 8, 0.25


def small(lexical: int = LEXICAL) -> LamirModel:
    """Return a model of 20 features with weights that differ."""
    torch.manual_seed(0)
    config = LamirConfig(vocab_size=20, semantic_dim=SEMANTIC, lexical_dim=lexical, lexical_share=SHARE)
    model = LamirModel(config)
    model.set_frequencies(torch.arange(20), 25)
    if lexical:
        with torch.no_grad():
            model.lexical_weight.add_(torch.linspace(0, 1, 20))
    return model.eval()


def expected(model: LamirModel, row: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return both halves of a text's vector, of unit length, in float64."""
    table = model.embedding.weight.detach().double().numpy()
    weights = model.weight.detach().double().numpy()
    semantic = sum(weights[i] * table[i] for i in row)
    lexical = np.zeros(LEXICAL)
    for i in row:
        sign = -1 if (i * 2_246_822_519 >> 16) & 1 else 1
        lexical[(i * 2_654_435_761 >> 8) % LEXICAL] += sign * model.lexical_weight[i].item()
    return semantic / np.linalg.norm(semantic), lexical / np.linalg.norm(lexical)


def test_forward_is_both_halves_side_by_side() -> None:
    """Two padded rows equal what numpy says of their ids, each half scaled to its share."""
    model = small()
    ids = torch.tensor([[3, 5, 5, 19], [7, 0, 0, 0]])
    mask = torch.tensor([[True] * 4, [True, False, False, False]])
    for row, vector in zip([[3, 5, 5, 19], [7]], model(ids, mask).detach().numpy(), strict=True):
        semantic, lexical = expected(model, row)
        np.testing.assert_allclose(vector, [*(0.75**0.5 * semantic), *(0.5 * lexical)], atol=1e-6)


def test_a_dot_product_mixes_the_cosines_by_share() -> None:
    """The product of two texts is (1 − share) semantic cosine + share lexical cosine."""
    model = small()
    one, other = [3, 5, 5, 19], [5, 9, 11]
    left, right = model(torch.tensor([one]))[0], model(torch.tensor([other]))[0]
    (s1, l1), (s2, l2) = expected(model, one), expected(model, other)
    np.testing.assert_allclose((left @ right).item(), 0.75 * (s1 @ s2) + 0.25 * (l1 @ l2), atol=1e-6)


def test_sums_of_parts_are_the_sum_of_the_whole() -> None:
    """Sums are additive, which the trainer's word-by-word encoding relies on."""
    model = small()
    parts = model.sums(torch.tensor([3, 5, 5, 19]), torch.tensor([0, 2]))
    torch.testing.assert_close(parts.sum(0), model.sums(torch.tensor([3, 5, 5, 19]), torch.tensor([0]))[0])


def test_without_a_lexical_half_vectors_are_semantic_alone() -> None:
    """lexical_dim 0 leaves out the second half, its weights and its share."""
    model = small(lexical=0)
    assert not hasattr(model, "lexical_weight")
    vector = model(torch.tensor([[3, 5]]))
    assert vector.shape == (1, SEMANTIC)
    torch.testing.assert_close(vector.norm(), torch.tensor(1.0))


def test_places_and_signs_are_spread() -> None:
    """Over many ids every place is taken about equally often, by both signs."""
    config = LamirConfig(vocab_size=40_000, semantic_dim=1, lexical_dim=200, lexical_share=1.0)
    model = LamirModel(config)
    ids = torch.arange(40_000)
    signs = model.sums(ids, ids)[:, 1:]
    taken = signs.abs().sum(0)
    assert taken.min() > 120
    assert taken.max() < 280
    assert abs(signs.sum().item()) < 1_000


def test_padding_does_not_matter() -> None:
    """More padding, other padding ids and the default mask change nothing."""
    model = small()
    short = model(torch.tensor([[4, 9]]), torch.ones(1, 2, dtype=torch.bool))
    mask = torch.tensor([[True, True, False, False]])
    torch.testing.assert_close(model(torch.tensor([[4, 9, 11, 12]]), mask), short)
    torch.testing.assert_close(model(torch.tensor([[4, 9, 0, 0]])), short)


def test_a_row_without_features_is_zero() -> None:
    """Nothing but padding gives zeros, not NaN."""
    assert torch.equal(small()(torch.zeros(1, 3, dtype=torch.int64)), torch.zeros(1, SEMANTIC + LEXICAL))


def test_rare_features_start_heavier() -> None:
    """The weights fall as the counts rise, and average one."""
    weights = small().weight.detach()
    assert bool((weights[:-1] > weights[1:]).all())
    torch.testing.assert_close(weights.mean(), torch.tensor(1.0))


def test_factors_scale_the_first_semantic_weights() -> None:
    """A factor multiplies a semantic weight after the mean was set to one, and no lexical weight."""
    model = small()
    plain, lexical = model.weight.detach().clone(), model.lexical_weight.detach() - torch.linspace(0, 1, 20)
    model.set_frequencies(torch.arange(20), 25, torch.arange(20.0))
    torch.testing.assert_close(model.weight.detach(), plain * torch.arange(20))
    torch.testing.assert_close(model.lexical_weight.detach(), lexical)


def test_every_parameter_learns() -> None:
    """Gradients reach the embeddings and both weights."""
    model = small()
    product = model(torch.tensor([[3, 5]]))[0] @ model(torch.tensor([[3, 7]]))[0]
    product.backward()
    for parameter in (model.weight, model.lexical_weight, model.embedding.weight):
        assert parameter.grad is not None
        assert parameter.grad[[3, 5]].abs().sum() > 0


def test_a_round_trip_keeps_the_vectors(tmp_path: Path) -> None:
    """save_pretrained writes safetensors only; from_pretrained reads the same model."""
    model = small()
    model.save_pretrained(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}
    loaded = LamirModel.from_pretrained(tmp_path)
    ids = torch.tensor([[3, 5, 7]])
    assert torch.equal(loaded(ids), model(ids))
    assert (loaded.config.vocab_size, loaded.config.dim) == (20, SEMANTIC + LEXICAL)
