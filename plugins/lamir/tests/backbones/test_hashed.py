"""Bags of hashed features: where rows begin, and that dot products are right but for chance."""

from __future__ import annotations

import torch
from harness_lamir.backbones.hashed import owners_of, scatter


def test_owners_count_the_rows() -> None:
    """Every element belongs to the row that began last; an empty row owns nothing."""
    assert owners_of(torch.tensor([0, 2, 2, 3]), 5).tolist() == [0, 0, 2, 3, 3]
    assert owners_of(torch.tensor([0]), 0).tolist() == []


def test_a_bag_is_the_signed_sum_of_its_features() -> None:
    """A feature has one place with its value or minus that; the same feature twice adds up, in its own row alone."""
    bags = scatter(torch.tensor([5, 5, 9]), torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 0, 1]), 3, 64)
    assert bags.shape == (3, 64)
    assert bags.abs().sum(dim=1).tolist() == [3.0, 4.0, 0.0]
    assert (bags != 0).sum(dim=1).tolist() == [1, 1, 0]


def test_dot_products_are_right_on_average() -> None:
    """Over many pairs of disjoint bags chance adds little, and scatters by about one over the root of the places."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randperm(400 * 50, generator=generator)
    rows = torch.arange(400).repeat_interleave(50)
    bags = scatter(ids, torch.full((len(ids),), 50**-0.5), rows, 400, 1024)
    products = (bags @ bags.T)[*torch.triu_indices(400, 400, 1)]
    assert abs(float(products.mean())) < 0.1 * float(products.std())
    assert 0.9 < float(products.std()) * 1024**0.5 < 1.1
