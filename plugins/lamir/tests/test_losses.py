"""The losses against plain float64 numpy, against finite differences, and against their theory."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from harness_lamir.losses import info_nce, language_loss, semantic_loss, total_loss
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]
TAU = 0.07


def unit(rows: int, dim: int, seed: int) -> Tensor:
    """Return (rows, dim) float64 unit vectors."""
    vectors = np.random.default_rng(seed).normal(size=(rows, dim))
    return torch.tensor(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def reference_info_nce(q: Array, p: Array, tau: float) -> float:
    """InfoNCE one query at a time."""
    losses = []
    for i, query in enumerate(q):
        scores = [float(query @ passage) / tau for passage in p]
        losses.append(math.log(sum(math.exp(s) for s in scores)) - scores[i])
    return float(np.mean(losses))


def reference_2n(e: Array, o: Array, tau: float) -> float:
    """Score the pool of 2N sentences one sentence at a time."""
    sentences = [*e, *o]
    n, losses = len(e), []
    for i, sentence in enumerate(sentences):
        scores = {j: float(sentence @ s) / tau for j, s in enumerate(sentences) if j != i}
        losses.append(math.log(sum(map(math.exp, scores.values()))) - scores[(i + n) % (2 * n)])
    return float(np.mean(losses))


def reference_language(texts: Array, e: Array, o: Array, tau: float) -> float:
    """Take langCL from its two probabilities, one text and one pair at a time."""
    losses = []
    for n in texts:
        for left, right in zip(e, o, strict=True):
            a, b = math.exp(n @ left / tau), math.exp(n @ right / tau)
            losses.append(-math.log(a / (a + b)) - math.log(b / (a + b)))
    return float(np.mean(losses))


@pytest.mark.parametrize("hard", [0, 1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_info_nce_equals_the_reference(hard: int, seed: int) -> None:
    """In-batch and hard negatives count as the definition says."""
    q, p = unit(6, 8, seed), unit(6 * (1 + hard), 8, seed + 100)
    expected = reference_info_nce(q.numpy(), p.numpy(), TAU)
    assert info_nce(q, p, TAU).item() == pytest.approx(expected, rel=1e-12)


def test_info_nce_leaves_out_what_is_excluded() -> None:
    """An excluded passage might as well not be there, and a positive cannot be excluded."""
    q, p = unit(3, 8, 1), unit(6, 8, 2)
    exclude = torch.zeros(3, 6, dtype=torch.bool)
    exclude[:, 4:] = True
    assert info_nce(q, p, TAU, exclude=exclude | torch.eye(3, 6, dtype=torch.bool)).item() == (
        pytest.approx(reference_info_nce(q.numpy(), p[:4].numpy(), TAU), rel=1e-12)
    )


def test_info_nce_of_equal_vectors_is_the_log_of_the_pool() -> None:
    """An encoder that tells nothing apart pays log M: the collapse is no way out."""
    q = torch.ones(4, 2) / math.sqrt(2)
    assert info_nce(q, q.repeat(2, 1), TAU).item() == pytest.approx(math.log(8), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_semantic_loss_equals_the_references(seed: int) -> None:
    """Both pools agree with their definitions."""
    e, o = unit(5, 8, seed), unit(5, 8, seed + 50)
    one_side = reference_info_nce(e.numpy(), o.numpy(), TAU)
    other_side = reference_info_nce(o.numpy(), e.numpy(), TAU)
    assert semantic_loss(e, o, TAU).item() == pytest.approx((one_side + other_side) / 2, rel=1e-12)
    assert semantic_loss(e, o, TAU, pool="2n").item() == pytest.approx(
        reference_2n(e.numpy(), o.numpy(), TAU), rel=1e-12
    )


@pytest.mark.parametrize("pool", ["other-side", "2n"])
def test_semantic_loss_does_not_push_duplicates_apart(pool: str) -> None:
    """With every pair a duplicate of every other there is no negative left."""
    e, o = unit(4, 8, 1), unit(4, 8, 2)
    duplicates = torch.ones(4, 4, dtype=torch.bool)
    loss = semantic_loss(e, o, TAU, pool=pool, duplicates=duplicates)  # type: ignore[arg-type]
    assert loss.item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_language_loss_equals_the_reference(seed: int) -> None:
    """The softplus form is the two probabilities of the paper."""
    n, e, o = unit(7, 8, seed), unit(4, 8, seed + 10), unit(4, 8, seed + 20)
    expected = reference_language(n.numpy(), e.numpy(), o.numpy(), TAU)
    assert language_loss(n, e, o, TAU).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("difference", "expected"),
    [(0.0, 1.386294), (1.0, 1.626523), (-1.0, 1.626523), (3.0, 3.097175)],
)
def test_language_loss_has_its_known_values(difference: float, expected: float) -> None:
    """2 ln 2 at balance, and the same on either side of it."""
    n = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    e = torch.tensor([[difference, 0.0]], dtype=torch.float64)
    loss = language_loss(n, e, torch.zeros_like(e), 1.0)
    assert loss.item() == pytest.approx(expected, abs=1e-6)


@given(st.floats(-1e4, 1e4))
def test_language_loss_has_the_gradient_tanh(difference: float) -> None:
    """The slope in d is tanh(d/2), the loss never falls below 2 ln 2, and never overflows."""
    n = torch.ones(1, 1, dtype=torch.float64)
    e = torch.tensor([[difference]], dtype=torch.float64, requires_grad=True)
    loss = language_loss(n, e, torch.zeros(1, 1, dtype=torch.float64), 1.0)
    loss.backward()
    assert loss.item() >= 2 * math.log(2) - 1e-12
    assert e.grad is not None
    assert e.grad.item() == pytest.approx(math.tanh(difference / 2), abs=1e-9)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10_000))
@settings(deadline=None)
def test_language_loss_ignores_which_side_is_english(texts: int, pairs: int, seed: int) -> None:
    """Swapping the two sides changes nothing."""
    n, e, o = unit(texts, 4, seed), unit(pairs, 4, seed + 1), unit(pairs, 4, seed + 2)
    torch.testing.assert_close(language_loss(n, e, o, TAU), language_loss(n, o, e, TAU))


@given(st.integers(1, 6), st.integers(0, 10_000), st.sampled_from(["other-side", "2n"]))
@settings(deadline=None)
def test_semantic_loss_ignores_order_and_side(pairs: int, seed: int, pool: str) -> None:
    """Neither the order of the pairs nor which side is English matters."""
    e, o = unit(pairs, 4, seed), unit(pairs, 4, seed + 1)
    order = torch.randperm(pairs, generator=torch.Generator().manual_seed(seed))
    loss = semantic_loss(e, o, TAU, pool=pool)  # type: ignore[arg-type]
    again = semantic_loss(o[order], e[order], TAU, pool=pool)  # type: ignore[arg-type]
    torch.testing.assert_close(loss, again)


def test_the_collapsed_encoder_minimises_the_language_loss() -> None:
    """One vector for every text reaches 2 ln 2: why the loss never trains alone."""
    same = unit(1, 8, 0)
    loss = language_loss(same.repeat(5, 1), same.repeat(3, 1), same.repeat(3, 1), TAU)
    assert loss.item() == pytest.approx(2 * math.log(2), abs=1e-12)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "info_nce": lambda a, b: info_nce(a, b, TAU),
    "info_nce, hard negatives": lambda a, b: info_nce(a[:2], b[:4], TAU),
    "semantic": lambda a, b: semantic_loss(a, b, TAU),
    "semantic 2n": lambda a, b: semantic_loss(a, b, TAU, pool="2n"),
    "language, texts": lambda a, b: language_loss(a, b, b.flip(1), TAU),
    "language, pairs": lambda a, b: language_loss(b.flip(1), a, b, TAU),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_equal_finite_differences(name: str) -> None:
    """Autograd agrees with central differences of step 1e-6 in float64."""
    a, b = unit(4, 5, 3).requires_grad_(), unit(4, 5, 4).requires_grad_()
    assert torch.autograd.gradcheck(LOSSES[name], (a, b), eps=1e-6, atol=1e-6)


def test_finite_differences_by_hand() -> None:
    """The same without torch's own checker, for one entry of each input."""
    n, e, o = (unit(3, 4, seed) for seed in (1, 2, 3))
    step = 1e-6
    for which in range(3):
        inputs = [tensor.clone().requires_grad_(i == which) for i, tensor in enumerate((n, e, o))]
        language_loss(inputs[0], inputs[1], inputs[2], TAU).backward()
        grad = inputs[which].grad
        assert grad is not None
        values = []
        for sign in (1, -1):
            arrays = [tensor.numpy().copy() for tensor in (n, e, o)]
            arrays[which][1, 2] += sign * step
            values.append(reference_language(arrays[0], arrays[1], arrays[2], TAU))
        slope = (values[0] - values[1]) / (2 * step)
        assert grad[1, 2].item() == pytest.approx(slope, rel=1e-5)


def test_total_is_the_weighted_sum() -> None:
    """L_IR + w_s semaCL + w_l langCL."""
    ir, semantic, language = torch.tensor(2.0), torch.tensor(3.0), torch.tensor(5.0)
    total = total_loss(ir, semantic, language, ir_weight=1.0, semantic_weight=0.5, language_weight=0.1)
    assert total.item() == pytest.approx(4.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: info_nce(unit(2, 3, 0), unit(2, 3, 0), 0.0),
        lambda: info_nce(unit(2, 3, 0), unit(3, 3, 0), TAU),
        lambda: info_nce(unit(2, 3, 0), unit(2, 4, 0), TAU),
        lambda: info_nce(torch.zeros(0, 3), torch.zeros(0, 3), TAU),
        lambda: info_nce(unit(2, 3, 0), unit(2, 3, 0), TAU, exclude=torch.zeros(3, 3)),
        lambda: semantic_loss(unit(2, 3, 0), unit(4, 3, 0), TAU),
        lambda: semantic_loss(unit(2, 3, 0), unit(2, 3, 0), TAU, pool="both"),  # type: ignore[arg-type]
        lambda: language_loss(unit(2, 4, 0), unit(2, 3, 0), unit(2, 3, 0), TAU),
        lambda: language_loss(torch.zeros(0, 3), unit(2, 3, 0), unit(2, 3, 0), TAU),
        lambda: language_loss(unit(2, 3, 0), unit(2, 3, 0), unit(2, 3, 0), -1.0),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[], Tensor]) -> None:
    """Wrong shapes, empty batches and temperatures that are not positive raise ValueError."""
    with pytest.raises(ValueError):
        call()
