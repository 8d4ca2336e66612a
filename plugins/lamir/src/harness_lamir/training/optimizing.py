"""How the weights move: AdamW, the learning rate of each step, and the norm of the gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness_lamir.recipe import Optimizer

__all__ = ["gradient_norm", "make_optimizer", "rate_factor"]


def make_optimizer(parameters: Sequence[nn.Parameter], settings: Optimizer) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter, ICLR 2019) with weight decay on matrices alone.

    Biases, the gains of norms and all other one-dimensional weights do not decay: they set scales and thresholds, and
    pulling them to zero restrains nothing that overfits.
    """
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=settings.learning_rate, fused=True)


def rate_factor(step: int, steps: int, settings: Optimizer) -> float:
    """What the learning rate is multiplied with at `step`, counted from 1.

    It rises to 1 over the first `warmup_steps`, then falls towards 0, which it would reach at step `steps` + 1, on a
    line or half a cosine (Loshchilov & Hutter, ICLR 2017, without restarts), or stays.
    """
    warmup = settings.warmup_steps
    if step <= warmup:
        return step / warmup
    gone = (step - 1 - warmup) / (steps - warmup)  # 0 … 1, 1 excluded
    return {"linear": 1 - gone, "cosine": (1 + math.cos(math.pi * gone)) / 2, "constant": 1.0}[settings.schedule]


def gradient_norm(parameters: Sequence[nn.Parameter], clip: float | None) -> Tensor:
    """The L2 norm of all gradients together, before they are scaled down to `clip` where they are longer."""
    slopes = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not slopes:
        return torch.zeros(())
    norm = torch.nn.utils.get_total_norm(slopes)
    if clip is not None:
        torch.nn.utils.clip_grads_with_norm_(parameters, clip, norm)
    return norm
