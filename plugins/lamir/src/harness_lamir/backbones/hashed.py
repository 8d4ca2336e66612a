"""Bags of hashed features: a feature owns one place and one sign, which follow from its number and cost no memory.

The hashing trick of Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009: the dot product
of two hashed bags is that of the bags, plus chance that is small on average.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["owners_of", "scatter"]

#: Odd multipliers that scatter consecutive ids over places and signs (Knuth's multiplicative hashing).
_PLACE, _SIGN = 2_654_435_761, 2_246_822_519


def owners_of(starts: Tensor, size: int) -> Tensor:
    """Return which of several rows each of `size` elements is in, given where the rows begin: (size,) int64."""
    ends = torch.cat([starts[1:], starts.new_tensor([size])])
    return torch.repeat_interleave(torch.arange(len(starts), device=starts.device), ends - starts, output_size=size)


def scatter(ids: Tensor, values: Tensor, rows: Tensor, count: int, size: int) -> Tensor:
    """Add every value (K,), with its id's sign, at its id's place of its row: (count, size).

    Args:
        ids: (K,) int64 numbers of features.
        values: (K,) float, how much of each.
        rows: (K,) int64, the bag that each belongs to.
        count: how many bags there are.
        size: places of a bag.
    """
    place = ((ids * _PLACE) >> 8) % size  # (K,)
    sign = 1 - 2 * (((ids * _SIGN) >> 16) & 1)  # (K,)
    return values.new_zeros(count * size).index_add(0, rows * size + place, values * sign).view(count, size)
