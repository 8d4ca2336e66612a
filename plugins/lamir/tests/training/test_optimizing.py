"""Learning rates, groups of weights, and the norm of the gradient."""

from __future__ import annotations

import pytest
import torch
from harness_lamir.recipe import Optimizer
from harness_lamir.training.optimizing import gradient_norm, make_optimizer, rate_factor
from torch import nn
from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_schedules_are_those_of_transformers(schedule: str) -> None:
    """From the end of the warm-up on; the first step is not wasted on a rate of 0, as it is there."""
    settings = Optimizer(warmup_steps=5, schedule=schedule)  # type: ignore[arg-type]
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    make = get_linear_schedule_with_warmup if schedule == "linear" else get_cosine_schedule_with_warmup
    reference = make(optimizer, 5, 30)
    for step in range(1, 31):
        if step > 5:
            assert rate_factor(step, 30, settings) == pytest.approx(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()
    assert [rate_factor(step, 30, settings) for step in (1, 5, 6)] == [0.2, 1.0, 1.0]
    assert rate_factor(30, 30, settings) > 0


def test_constant_stays_and_warmup_may_outlast_the_run() -> None:
    """No division by zero, no rate beyond the highest."""
    assert rate_factor(30, 30, Optimizer(schedule="constant")) == 1.0
    assert rate_factor(1, 1, Optimizer()) == 1.0
    assert rate_factor(3, 3, Optimizer(warmup_steps=10)) == pytest.approx(0.3)


def test_only_matrices_decay() -> None:
    """A bias and the gain of a norm keep their length where the gradient is zero; a matrix shrinks."""
    module = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    optimizer = make_optimizer(list(module.parameters()), Optimizer(learning_rate=0.1, weight_decay=0.5))
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    after = dict(module.named_parameters())
    torch.testing.assert_close(after["0.weight"], before["0.weight"] * 0.95)
    for name in ("0.bias", "1.weight", "1.bias"):
        assert torch.equal(after[name], before[name])


def test_the_norm_is_that_of_all_gradients_before_clipping() -> None:
    """3 and 4 make 5; clipped to 1 they keep their direction."""
    parameters = [nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))]
    parameters[0].grad, parameters[1].grad = torch.tensor([3.0]), torch.tensor([4.0])
    assert float(gradient_norm(parameters, None)) == 5.0
    assert float(parameters[0].grad) == 3.0
    assert float(gradient_norm(parameters, 1.0)) == 5.0
    torch.testing.assert_close(parameters[0].grad, torch.tensor([0.6]), atol=1e-5, rtol=0)
    assert parameters[2].grad is None
    assert float(gradient_norm([parameters[2]], 1.0)) == 0.0
