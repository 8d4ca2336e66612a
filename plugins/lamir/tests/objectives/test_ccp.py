"""Contrastive context prediction: windows, the head's two sides, and a bank for each language."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from harness_lamir.data.rows import Document
from harness_lamir.losses import context_loss
from harness_lamir.objectives.base import View
from harness_lamir.objectives.ccp import AsymmetricHead, Ccp
from harness_lamir.objectives.options import CcpOptions
from torch import Tensor

Look = Callable[..., dict[str, View]]
Make = Callable[..., Any]
Unit = Callable[[int, int, int], Tensor]

LANGUAGES = ["sw", "te", "sw", "te", "sw"]
ROWS = [Document(tuple(f"d{d} s{s} w{d}{s}" for s in range(2 + d)), language) for d, language in enumerate(LANGUAGES)]


@pytest.mark.parametrize("radius", [1, 2, 50])
def test_the_context_is_in_the_window(radius: int) -> None:
    """A centre and another sentence of its document, at most `radius` away; all such pairs turn up."""
    objective = Ccp(CcpOptions(radius=radius))
    row = ROWS[3]
    seen = set()
    for seed in range(400):
        asked = objective.texts({"documents": [row]}, Random(seed))
        ((centre,), (context,)) = asked["centres"].texts, asked["contexts"].texts
        seen.add((row.sentences.index(centre), row.sentences.index(context)))
        assert asked["centres"].languages == asked["contexts"].languages == ["te"]
    count = len(row.sentences)
    assert seen == {(i, j) for i in range(count) for j in range(count) if 0 < abs(i - j) <= radius}


def test_the_head_sees_the_batch_on_one_side_alone(unit: Unit) -> None:
    """Centres are normalised by their batch; a context's vector does not depend on its neighbours."""
    head = AsymmetricHead(6, 4).double()
    rows = unit(8, 6, 1)
    with torch.no_grad():
        whole = head(rows, batch_statistics=False)
        assert torch.allclose(whole[:3], head(rows[:3], batch_statistics=False))
        assert not torch.allclose(head(rows, batch_statistics=True)[:3], head(rows[:3], batch_statistics=True))
        assert torch.allclose(head(rows[:1], batch_statistics=True), head(rows[:1], batch_statistics=False))
        assert torch.allclose(whole.norm(dim=1), torch.ones(8, dtype=torch.float64))
        head.eval()
        assert torch.equal(head(rows, batch_statistics=True), head(rows, batch_statistics=False))


def test_the_head_equals_its_reference(unit: Unit) -> None:
    """Linear, batch norm, ReLU, linear, unit length, in numpy; the running statistics follow the centres."""
    head = AsymmetricHead(6, 4).double()
    rows = unit(8, 6, 1)
    with torch.no_grad():
        head.norm.weight.uniform_(0.5, 2)
        head.norm.bias.uniform_(-1, 1)
        found = head(rows, batch_statistics=True)
        kept = head(rows, batch_statistics=False)
    lower, weight, bias = (t.detach().numpy() for t in (head.lower.weight, head.norm.weight, head.norm.bias))
    upper, shift = head.upper.weight.detach().numpy(), head.upper.bias.detach().numpy()
    hidden = rows.numpy() @ lower.T
    running = 0.1 * hidden.mean(0), 0.9 + 0.1 * hidden.var(0, ddof=1)
    for (mean, variance), actual in (((hidden.mean(0), hidden.var(0)), found), (running, kept)):
        normal = (hidden - mean) / np.sqrt(variance + 1e-5) * weight + bias
        output = np.maximum(normal, 0) @ upper.T + shift
        np.testing.assert_allclose(actual.numpy(), output / np.linalg.norm(output, axis=1, keepdims=True), rtol=1e-9)


@pytest.mark.parametrize("head", [0, 5])
def test_banks_are_negatives_of_their_language(make_backbone: Make, look: Look, head: int) -> None:
    """Each step's loss has the kept pairs of the same language as negatives, and the pairs are kept afterwards."""
    backbone = make_backbone()
    objective = Ccp(CcpOptions(bank=4, head=head, temperature=0.2))
    objective.attach(backbone)
    history: list[tuple[str, Tensor, Tensor]] = []
    for step in range(4):
        if objective.head is not None:  # the head's statistics would move while we look at it
            objective.head.eval()
        views = look(objective, backbone, {"documents": ROWS}, step)
        c, x = views["centres"].vectors, views["contexts"].vectors
        if objective.head is not None:
            c, x = (objective.head(v, batch_statistics=False) for v in (c, x))
        kept = [entry for language in ("sw", "te") for entry in [e for e in history if e[0] == language][-4:]]
        width = c.shape[1]
        bank = (
            torch.stack([e[1] for e in kept]) if kept else torch.zeros(0, width),
            torch.stack([e[2] for e in kept]) if kept else torch.zeros(0, width),
            torch.tensor([0 if e[0] == "sw" else 1 for e in kept], dtype=torch.int64),
        )
        spoken = torch.tensor([0 if language == "sw" else 1 for language in LANGUAGES])
        torch.testing.assert_close(objective(views), context_loss(c, x, spoken, 0.2, bank=bank))
        objective.after_step(backbone)
        history += list(zip(LANGUAGES, c.detach(), x.detach(), strict=True))


def test_equal_sentences_are_no_negatives(make_backbone: Make, look: Look) -> None:
    """Documents with the same two sentences have nothing to push apart."""
    backbone = make_backbone()
    objective = Ccp(CcpOptions(bank=0, head=0))
    objective.attach(backbone)
    rows = [Document(("one", "Two"), "en"), Document(("ONE ", "two"), "en")]
    assert objective(look(objective, backbone, {"documents": rows})).item() == pytest.approx(0, abs=1e-6)


def test_a_run_that_resumes_goes_on_exactly(make_backbone: Make, look: Look) -> None:
    """Head, running statistics and banks of every language come back with the state dict."""
    backbone = make_backbone()
    first, second = (Ccp(CcpOptions(bank=3, head=5)) for _ in range(2))
    for one in (first, second):
        one.attach(backbone)
    for step in range(3):
        first(look(first, backbone, {"documents": ROWS}, step))
        first.after_step(backbone)
    second.load_state_dict(first.state_dict())
    for step in range(2):
        losses = [one(look(one, backbone, {"documents": ROWS}, 9 + step)).item() for one in (first, second)]
        assert losses[0] == losses[1]
        for one in (first, second):
            one.after_step(backbone)


def test_gradients_reach_backbone_and_head(make_backbone: Make, look: Look) -> None:
    """Both are trained; what the bank holds is not."""
    backbone = make_backbone()
    objective = Ccp(CcpOptions(bank=3, head=5))
    objective.attach(backbone)
    for step in range(2):
        objective(look(objective, backbone, {"documents": ROWS}, step)).backward()
        objective.after_step(backbone)
    assert all(p.grad is not None and bool(p.grad.any()) for p in [*backbone.parameters(), *objective.parameters()])
    assert objective.bank is not None
    assert not any(rows.requires_grad for rows in objective.bank.contents(["sw", "te"]).values())
