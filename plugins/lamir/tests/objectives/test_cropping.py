"""Cropping: in-batch without a queue; with one, a momentum encoder, its keys queued, and all of it saved."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import torch
from harness_lamir.backbones.base import Backbone
from harness_lamir.data.rows import Text
from harness_lamir.losses import moco
from harness_lamir.objectives.base import View
from harness_lamir.objectives.cropping import Cropping, follow
from harness_lamir.objectives.options import CroppingOptions

Look = Callable[..., dict[str, View]]
Make = Callable[..., Any]

TEXTS = [Text(" ".join(f"word{i}x{j}" for j in range(20)), "sw" if i % 2 else "en") for i in range(4)]


def test_texts_are_crops_with_their_languages() -> None:
    """Queries and keys are crops of the same texts, drawn anew every time, and the same for one seed."""
    objective = Cropping(CroppingOptions())
    asked = objective.texts({"texts": TEXTS}, Random(1))
    assert (asked["queries"].role, asked["keys"].role) == ("query", "passage")
    for texts in asked.values():
        assert list(texts.languages) == ["en", "sw", "en", "sw"]
        assert all(
            crop in row.text and 2 <= len(crop.split()) <= 10 for crop, row in zip(texts.texts, TEXTS, strict=True)
        )
    assert asked == objective.texts({"texts": TEXTS}, Random(1))
    assert asked != objective.texts({"texts": TEXTS}, Random(2))


def test_without_a_queue_it_is_in_batch(make_backbone: Make, look: Look) -> None:
    """No momentum encoder, no state, gradients on both sides."""
    backbone = make_backbone()
    objective = Cropping(CroppingOptions(temperature=0.1))
    objective.attach(backbone)
    assert objective.teacher("keys") is None and not objective.state_dict()
    views = look(objective, backbone, {"texts": TEXTS})
    loss = objective(views)
    q, k = views["queries"].vectors, views["keys"].vectors
    assert q.requires_grad and k.requires_grad
    torch.testing.assert_close(loss, moco(q, k, k[:0], 0.1))
    objective.after_step(backbone)
    assert not objective.state_dict()


def test_equal_crops_are_no_negatives(make_backbone: Make, look: Look) -> None:
    """Texts that are alike do not push one another away."""
    backbone = make_backbone()
    objective = Cropping(CroppingOptions())
    views = look(objective, backbone, {"texts": [Text("a", "en")] * 3})
    assert objective(views).item() == pytest.approx(0, abs=1e-6)


def test_the_queue_holds_the_keys_of_earlier_steps(make_backbone: Make, look: Look) -> None:
    """Each step sees what was queued before it; its own keys follow after the step, and evaluation queues nothing."""
    backbone = make_backbone()
    objective = Cropping(CroppingOptions(queue=6, temperature=0.1))
    objective.attach(backbone)
    assert objective.queue is not None
    history = torch.zeros(0, backbone.dim)
    for step in range(4):
        views = look(objective, backbone, {"texts": TEXTS}, step)
        keys = views["keys"].vectors
        assert not keys.requires_grad
        queued = history[-6:]
        assert torch.equal(objective.queue.contents(), queued)
        torch.testing.assert_close(objective(views), moco(views["queries"].vectors, keys, queued, 0.1))
        assert torch.equal(objective.queue.contents(), queued)  # nothing moves before the step
        objective.after_step(backbone)
        history = torch.cat([history, keys])
    objective.eval()
    objective(look(objective, backbone, {"texts": TEXTS}, 9))
    objective.train()
    objective.after_step(backbone)
    assert torch.equal(objective.queue.contents(), history[-6:])


def test_momentum_update_formula(make_backbone: Make) -> None:
    """θ_slow ← m θ_slow + (1 − m) θ_fast for weights, in double precision; buffers are copied."""
    slow, fast = make_backbone(seed=1).double(), make_backbone(seed=2).double()
    fast.calls.fill_(5)
    expected = 0.9 * slow.table.detach().clone() + 0.1 * fast.table.detach()
    follow(slow, fast, 0.9)
    torch.testing.assert_close(slow.table.detach(), expected, rtol=1e-12, atol=1e-15)
    assert int(slow.calls) == 5
    for _ in range(400):
        follow(slow, fast, 0.9)
    torch.testing.assert_close(slow.table.detach(), fast.table.detach())


def test_the_momentum_encoder_is_a_frozen_copy(make_backbone: Make) -> None:
    """It starts equal, shares no memory, has no gradient, stays in evaluation mode, and moves after a step alone."""
    backbone = make_backbone(dropout=0.5)
    objective = Cropping(CroppingOptions(queue=4, momentum=0.75))
    objective.attach(backbone)
    slow = objective.teacher("keys")
    assert isinstance(slow, Backbone) and objective.teacher("queries") is None
    assert [p for p in objective.parameters() if p.requires_grad] == []
    objective.train()
    assert objective.training and not slow.training and backbone.training
    before = backbone.table.detach().clone()
    with torch.no_grad():
        backbone.table.add_(1.0)
    assert torch.equal(slow.table, before)
    objective.after_step(backbone)
    torch.testing.assert_close(slow.table, before + 0.25)


def test_a_run_that_resumes_goes_on_exactly(make_backbone: Make, look: Look) -> None:
    """Queue and momentum encoder come back with the state dict: the next loss is the same to the last bit."""
    backbone = make_backbone()
    first, second = (Cropping(CroppingOptions(queue=6, momentum=0.5)) for _ in range(2))
    first.attach(backbone)
    for step in range(3):
        first(look(first, backbone, {"texts": TEXTS}, step))
        with torch.no_grad():
            backbone.table.mul_(0.9).add_(0.01)
        first.after_step(backbone)
    second.attach(make_backbone(seed=7))
    second.load_state_dict(first.state_dict())
    losses = [one(look(one, backbone, {"texts": TEXTS}, 8)).item() for one in (first, second)]
    assert losses[0] == losses[1]
