"""The model against a numpy reference, and its round trip through a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from harness_lamir.model import LamirConfig, LamirModel


def small() -> LamirModel:
    """Return a model of 20 features and 6 dimensions, with weights that differ."""
    torch.manual_seed(0)
    model = LamirModel(LamirConfig(vocab_size=20, dim=6))
    model.set_frequencies(torch.arange(20), 25)
    model.eval()
    return model


def test_forward_is_the_normalised_weighted_sum() -> None:
    """Two padded rows equal what numpy says of their ids."""
    model = small()
    rows = [[3, 5, 5, 19], [7]]
    ids = torch.tensor([rows[0], [7, 0, 0, 0]])
    mask = torch.tensor([[True] * 4, [True, False, False, False]])
    table = model.embedding.weight.detach().double().numpy()
    weights = model.weight.detach().double().numpy()
    for row, vector in zip(rows, model(ids, mask).detach().numpy(), strict=True):
        expected = (weights[row, None] * table[row]).sum(axis=0)
        np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)


def test_padding_does_not_matter() -> None:
    """More padding, other padding ids and the default mask change nothing."""
    model = small()
    short = model(torch.tensor([[4, 9]]), torch.ones(1, 2, dtype=torch.bool))
    mask = torch.tensor([[True, True, False, False]])
    torch.testing.assert_close(model(torch.tensor([[4, 9, 11, 12]]), mask), short)
    torch.testing.assert_close(model(torch.tensor([[4, 9, 0, 0]])), short)


def test_a_row_without_features_is_zero() -> None:
    """Nothing but padding gives zeros, not NaN."""
    assert torch.equal(small()(torch.zeros(1, 3, dtype=torch.int64)), torch.zeros(1, 6))


def test_rare_features_start_heavier() -> None:
    """The weights fall as the counts rise, and average one."""
    weights = small().weight.detach()
    assert bool((weights[:-1] > weights[1:]).all())
    assert weights.mean().item() == torch.tensor(1.0).item() or abs(weights.mean() - 1) < 1e-6


def test_factors_scale_the_first_weights() -> None:
    """A factor multiplies a weight after the mean was set to one."""
    model, plain = small(), small().weight.detach().clone()
    model.set_frequencies(torch.arange(20), 25, torch.arange(20.0))
    torch.testing.assert_close(model.weight.detach(), plain * torch.arange(20))


def test_both_parameters_learn() -> None:
    """Gradients reach the embeddings and the weights."""
    model = small()
    model(torch.tensor([[3, 5]])).sum().backward()
    assert model.weight.grad is not None
    assert model.embedding.weight.grad is not None
    assert model.weight.grad[[3, 5]].abs().sum() > 0


def test_quantising_keeps_the_vectors(tmp_path: Path) -> None:
    """Eight bits move cosines by little, survive a folder, and keep to integers."""
    model = small()
    ids = torch.tensor([[3, 5, 7, 0], [9, 9, 11, 19]])
    quantised = model.quantize()
    assert torch.nn.functional.cosine_similarity(quantised(ids), model(ids)).min() > 0.9995
    quantised.save_pretrained(tmp_path)
    loaded = LamirModel.from_pretrained(tmp_path, dtype="float32")
    assert loaded.table.dtype == torch.int8
    assert torch.equal(loaded(ids), quantised(ids))
    loaded.bfloat16()
    assert loaded(ids).dtype == torch.bfloat16
    assert loaded.table.dtype == torch.int8


def test_a_round_trip_keeps_the_vectors(tmp_path: Path) -> None:
    """save_pretrained writes safetensors only; from_pretrained reads the same model."""
    model = small()
    model.save_pretrained(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}
    loaded = LamirModel.from_pretrained(tmp_path)
    ids = torch.tensor([[3, 5, 7]])
    assert torch.equal(loaded(ids), model(ids))
    assert (loaded.config.vocab_size, loaded.config.dim) == (20, 6)
