"""The losses against plain float64 numpy, against finite differences, and against their theory."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from harness_lamir.losses import (
    context_loss,
    distillation,
    info_nce,
    js_distance,
    language_loss,
    moco,
    one_to_k,
    semantic_loss,
)
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


def test_the_language_loss_alone_collapses() -> None:
    """Gradient descent on langCL alone drives random vectors to one point; with semaCL beside it they stay apart.

    Every vector is translated by the next, so that translations connect them all, as shared words do in an encoder.
    """

    def least_similarity(*, semantic: bool) -> float:
        vectors = unit(12, 6, 5).requires_grad_()
        optimizer = torch.optim.Adam([vectors], lr=0.05)
        for _ in range(400):
            rows = torch.nn.functional.normalize(vectors, dim=1)
            loss = language_loss(rows, rows, rows.roll(-1, 0), 0.1)
            if semantic:
                loss = loss + semantic_loss(rows, rows.roll(-1, 0), 0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        rows = torch.nn.functional.normalize(vectors.detach(), dim=1)
        return float((rows @ rows.T).min())

    assert least_similarity(semantic=False) > 0.99
    assert least_similarity(semantic=True) < 0.8


def reference_one_to_k(anchors: Array, texts: list[Array], tau: float, barred: set[tuple[int, int, int]]) -> float:
    """1-to-K from its definition; `barred` holds (anchor, owner, number) of texts that are no negatives."""
    total = 0.0
    for i, anchor in enumerate(anchors):
        for k, text in enumerate(texts[i]):
            found = math.exp(anchor @ text / tau)
            every = sum(
                math.exp(anchor @ other / tau)
                for j, group in enumerate(texts)
                for m, other in enumerate(group)
                if (i, j, m) not in barred
            )
            all_anchors = sum(math.exp(a @ text / tau) for j, a in enumerate(anchors) if (j, i, k) not in barred)
            total += (-math.log(found / every) - math.log(found / all_anchors)) / (2 * len(texts[i]))
    return total / len(anchors)


@pytest.mark.parametrize("counts", [[2, 2, 2], [1, 1, 1], [3, 1, 2]])
@pytest.mark.parametrize("exclude", [False, True])
def test_one_to_k_equals_the_reference(counts: list[int], exclude: bool) -> None:
    """Both directions, K alike or not, with and without pairs that are no negatives; order does not matter."""
    anchors, rows = unit(3, 6, 1), unit(sum(counts), 6, 2)
    owners = torch.repeat_interleave(torch.arange(3), torch.tensor(counts))
    texts = [rows[owners == i].numpy() for i in range(3)]
    barred = {(0, 1, 0), (1, 0, 0)} if exclude else set()
    mask = torch.zeros(3, len(rows), dtype=torch.bool)
    mask[owners, torch.arange(len(rows))] = exclude  # positives stay, whatever is asked
    if exclude:
        mask[0, int((owners == 1).nonzero()[0])] = mask[1, 0] = True
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(3))
    loss = one_to_k(anchors, rows[order], owners[order], TAU, exclude=mask[:, order] if exclude else None)
    assert loss.item() == pytest.approx(reference_one_to_k(anchors.numpy(), texts, TAU, barred), rel=1e-10)


def test_one_to_one_is_semantic_loss() -> None:
    """With one positive each, 1-to-K is InfoNCE in both directions."""
    e, o = unit(5, 8, 1), unit(5, 8, 2)
    torch.testing.assert_close(one_to_k(e, o, torch.arange(5), TAU), semantic_loss(e, o, TAU))


def test_one_to_k_has_a_known_value() -> None:
    """Where nothing is told apart: (ln NK + ln N) / 2."""
    same = unit(1, 4, 0)
    loss = one_to_k(same.repeat(3, 1), same.repeat(6, 1), torch.arange(3).repeat(2), TAU)
    assert loss.item() == pytest.approx((math.log(6) + math.log(3)) / 2, rel=1e-12)


def reference_js(left: Array, right: Array) -> float:
    """√JSD from its definition."""
    distances = []
    for a, b in zip(left, right, strict=True):
        p, q = np.exp(a - a.max()), np.exp(b - b.max())
        p, q = p / p.sum(), q / q.sum()
        m = (p + q) / 2
        distances.append(math.sqrt(float((p * np.log(p / m)).sum() + (q * np.log(q / m)).sum()) / 2))
    return float(np.mean(distances))


@pytest.mark.parametrize("scale", [0.01, 1.0, 20.0])
@pytest.mark.parametrize("seed", range(3))
def test_js_distance_equals_the_reference(scale: float, seed: int) -> None:
    """Near and far, on both sides of where the series ends."""
    a, b = unit(5, 7, seed) * scale, unit(5, 7, seed + 9) * scale
    assert js_distance(a, b).item() == pytest.approx(reference_js(a.numpy(), b.numpy()), rel=1e-7)
    torch.testing.assert_close(js_distance(a, b), js_distance(b, a))


@given(st.floats(-40, 40), st.floats(-40, 40))
def test_js_distance_of_two_outcomes(a: float, b: float) -> None:
    """Between 0 and √(ln 2), and what two coins differ by, computed with the entropy of the mean."""
    left, right = torch.tensor([[a, 0.0]], dtype=torch.float64), torch.tensor([[b, 0.0]], dtype=torch.float64)
    distance = js_distance(left, right).item()

    def entropy(p: Array) -> float:
        return float(-sum(x * math.log(x) for x in p if x > 0))

    p, q = left.softmax(1).numpy()[0], right.softmax(1).numpy()[0]
    squared = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
    assert 0 <= distance <= math.sqrt(math.log(2)) + 1e-12
    assert distance**2 == pytest.approx(squared, abs=1e-12)


def test_js_distance_of_disjoint_distributions() -> None:
    """Far logits give √(ln 2) and a gradient that is finite."""
    left = torch.tensor([[1000.0, -1000.0]], requires_grad=True)
    distance = js_distance(left, -left.detach())
    distance.backward()
    assert distance.item() == pytest.approx(math.sqrt(math.log(2)), rel=1e-6)
    assert left.grad is not None and bool(left.grad.isfinite().all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_js_distance_is_stable_where_both_agree(dtype: torch.dtype) -> None:
    """Exactly 0 with gradient 0 at equality, and like a norm with a bounded gradient all the way there."""
    logits = unit(3, 6, 1).to(dtype).requires_grad_()
    distance = js_distance(logits, logits.detach().clone())
    distance.backward()
    assert distance.item() == 0 and logits.grad is not None and not logits.grad.any()

    p = unit(1, 6, 1).softmax(dim=1)
    direction = unit(1, 6, 2)
    spread = (p * direction**2).sum() - (p * direction).sum() ** 2  # the variance of the direction under p
    for step in (1e-2, 1e-4, 1e-6):
        left = unit(1, 6, 1).to(dtype)
        right = (unit(1, 6, 1) + step * direction).to(dtype).requires_grad_()
        distance = js_distance(left, right)
        (slope,) = torch.autograd.grad(distance, right)
        assert bool(slope.isfinite().all()) and float(slope.norm()) < 1
        if dtype == torch.float64:  # JSD is an eighth of the variance of the difference, to first order
            assert distance.item() == pytest.approx(step * math.sqrt(float(spread) / 8), rel=2 * step + 1e-6)


@pytest.mark.parametrize("queued", [0, 5])
def test_moco_equals_the_reference(queued: int) -> None:
    """Other keys and the queue are negatives; what is excluded is none."""
    q, k, queue = unit(4, 6, 1), unit(4, 6, 2), unit(5, 6, 3)[:queued]
    everything = np.concatenate([k.numpy(), queue.numpy()])
    assert moco(q, k, queue, TAU).item() == pytest.approx(reference_info_nce(q.numpy(), everything, TAU), rel=1e-12)
    exclude = torch.zeros(4, 4 + queued, dtype=torch.bool)
    exclude[:, 4:] = True
    loss = moco(q, k, queue, TAU, exclude=exclude)
    assert loss.item() == pytest.approx(reference_info_nce(q.numpy(), k.numpy(), TAU), rel=1e-12)


def reference_context(c: Array, x: Array, spoken: list[int], bank: tuple[Array, Array, list[int]], tau: float) -> float:
    """CCP one sentence at a time, in both directions."""
    losses = []
    for own, other, old in ((c, x, bank[1]), (x, c, bank[0])):
        for i, row in enumerate(own):
            pool = [math.exp(row @ y / tau) for j, y in enumerate(other) if spoken[j] == spoken[i]]
            pool += [math.exp(row @ y / tau) for j, y in enumerate(old) if bank[2][j] == spoken[i]]
            losses.append(math.log(sum(pool)) - row @ other[i] / tau)
    return float(np.mean(losses))


@pytest.mark.parametrize("queued", [0, 6])
def test_context_loss_equals_the_reference(queued: int) -> None:
    """Negatives are of one's own language, in the batch and in the bank."""
    c, x = unit(5, 6, 1), unit(5, 6, 2)
    old = (unit(6, 6, 3)[:queued], unit(6, 6, 4)[:queued], [0, 1, 2, 0, 1, 2][:queued])
    spoken = [0, 1, 0, 0, 1]
    expected = reference_context(c.numpy(), x.numpy(), spoken, (old[0].numpy(), old[1].numpy(), old[2]), TAU)
    bank = (old[0], old[1], torch.tensor(old[2], dtype=torch.int64))
    loss = context_loss(c, x, torch.tensor(spoken), TAU, bank=bank)
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    if not queued:
        torch.testing.assert_close(context_loss(c, x, torch.tensor(spoken), TAU), loss)
    everyone = torch.ones(5, 5, dtype=torch.bool)
    assert context_loss(c, x, torch.tensor(spoken), TAU, exclude=everyone).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("diagonal", [True, False])
def test_distillation_equals_the_reference(diagonal: bool) -> None:
    """The divergence of the teacher's rows from the student's, one row at a time; dimensions may differ."""
    s, pool, t = unit(4, 3, 1), unit(4, 3, 2), unit(4, 7, 3)
    exclude = None if diagonal else torch.eye(4, dtype=torch.bool)
    divergences = []
    for i in range(4):
        columns = [j for j in range(4) if diagonal or j != i]
        q = np.exp([float(s[i] @ pool[j]) / TAU for j in columns])
        p = np.exp([float(t[i] @ t[j]) / 0.2 for j in columns])
        p, q = p / p.sum(), q / q.sum()
        divergences.append(float((p * np.log(p / q)).sum()))
    loss = distillation(s, pool, t, t, TAU, 0.2, exclude=exclude)
    assert loss.item() == pytest.approx(float(np.mean(divergences)), rel=1e-10)


def test_distillation_is_nought_for_the_teacher_itself() -> None:
    """A student that is the teacher, turned in space, has nothing to learn: loss and gradient are 0."""
    teacher = unit(5, 6, 1)
    turn = torch.linalg.qr(unit(6, 6, 2))[0]
    student = (teacher @ turn).requires_grad_()
    loss = distillation(student, student, teacher, teacher, TAU, TAU, exclude=torch.eye(5, dtype=torch.bool))
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert student.grad is not None and float(student.grad.abs().max()) < 1e-10


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "info_nce": lambda a, b: info_nce(a, b, TAU),
    "info_nce, hard negatives": lambda a, b: info_nce(a[:2], b[:4], TAU),
    "semantic": lambda a, b: semantic_loss(a, b, TAU),
    "semantic 2n": lambda a, b: semantic_loss(a, b, TAU, pool="2n"),
    "language, texts": lambda a, b: language_loss(a, b, b.flip(1), TAU),
    "language, pairs": lambda a, b: language_loss(b.flip(1), a, b, TAU),
    "one to k": lambda a, b: one_to_k(a[:2], b, torch.tensor([1, 0, 0, 1]), TAU),
    "one to k, excluded": lambda a, b: one_to_k(
        a[:2], b, torch.tensor([1, 0, 0, 1]), TAU, exclude=torch.tensor([[False, False, False, True]] * 2)
    ),
    "js distance, near": lambda a, b: js_distance(a, a + 0.05 * b),
    "js distance": lambda a, b: js_distance(a / TAU, b / TAU),
    "moco": lambda a, b: moco(a, b, unit(3, 5, 7), TAU),
    "context": lambda a, b: context_loss(
        a, b, torch.tensor([0, 1, 0, 1]), TAU, bank=(unit(3, 5, 7), unit(3, 5, 8), torch.tensor([0, 1, 2]))
    ),
    "distillation": lambda a, b: distillation(a, b, unit(4, 3, 7), unit(4, 3, 7), TAU, 0.2),
    "distillation, without itself": lambda a, b: distillation(
        a, b, unit(4, 3, 7), unit(4, 3, 7), TAU, 0.2, exclude=torch.eye(4, dtype=torch.bool)
    ),
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


@pytest.mark.parametrize(
    "call",
    [
        lambda: info_nce(unit(2, 3, 0), unit(2, 3, 0), 0.0),
        lambda: info_nce(unit(3, 3, 0), unit(2, 3, 0), TAU),
        lambda: info_nce(unit(2, 3, 0), unit(2, 4, 0), TAU),
        lambda: info_nce(torch.zeros(0, 3), torch.zeros(0, 3), TAU),
        lambda: info_nce(unit(2, 3, 0), unit(2, 3, 0), TAU, exclude=torch.zeros(3, 3)),
        lambda: semantic_loss(unit(2, 3, 0), unit(4, 3, 0), TAU),
        lambda: semantic_loss(unit(2, 3, 0), unit(2, 3, 0), TAU, pool="both"),  # type: ignore[arg-type]
        lambda: language_loss(unit(2, 4, 0), unit(2, 3, 0), unit(2, 3, 0), TAU),
        lambda: language_loss(torch.zeros(0, 3), unit(2, 3, 0), unit(2, 3, 0), TAU),
        lambda: language_loss(unit(2, 3, 0), unit(2, 3, 0), unit(2, 3, 0), -1.0),
        lambda: one_to_k(unit(2, 3, 0), unit(2, 3, 0), torch.tensor([0, 0]), TAU),
        lambda: one_to_k(unit(2, 3, 0), unit(3, 3, 0), torch.tensor([0, 1, 2]), TAU),
        lambda: one_to_k(unit(2, 3, 0), unit(2, 3, 0), torch.tensor([0]), TAU),
        lambda: one_to_k(unit(2, 3, 0), unit(2, 3, 0), torch.tensor([0, 1]), TAU, exclude=torch.zeros(1, 2)),
        lambda: js_distance(unit(2, 3, 0), unit(3, 3, 0)),
        lambda: moco(unit(2, 3, 0), unit(3, 3, 0), unit(2, 3, 0), TAU),
        lambda: context_loss(unit(2, 3, 0), unit(2, 3, 0), torch.tensor([0]), TAU),
        lambda: context_loss(unit(2, 3, 0), unit(2, 3, 0), torch.tensor([0, 0]), TAU, exclude=torch.zeros(1, 2)),
        lambda: distillation(unit(2, 3, 0), unit(2, 3, 0), unit(3, 3, 0), unit(2, 3, 0), TAU, TAU),
        lambda: distillation(unit(2, 3, 0), unit(2, 3, 0), unit(2, 3, 0), unit(2, 3, 0), TAU, 0.0),
        lambda: distillation(
            unit(1, 3, 0), unit(1, 3, 0), unit(1, 3, 0), unit(1, 3, 0), TAU, TAU, exclude=torch.ones(1, 1).bool()
        ),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[], Tensor]) -> None:
    """Wrong shapes, empty batches and temperatures that are not positive raise ValueError."""
    with pytest.raises(ValueError):
        call()
