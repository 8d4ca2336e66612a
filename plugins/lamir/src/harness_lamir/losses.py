"""The losses of LAMIR and of its add-ons, as pure functions of embedding matrices.

Source of the first three: Hu et al., "Language Agnostic Multilingual Information Retrieval with Contrastive Learning",
Findings of ACL 2023. The paper trains on

    total = L_IR  +  w_s * semaCL  +  w_l * langCL

* **L_IR** pulls an English question towards its passage and away from the other passages of the batch (InfoNCE); see
  `info_nce`.
* **semaCL** does the same with the two sides of a translation, so that a sentence and its translation meet; see
  `semantic_loss`.
* **langCL** asks of every text ``n`` that it be *equally* far from both sides of a translation: that it cannot tell in
  which language the meaning was put; see `language_loss`.

The add-ons `one_to_k`, `js_distance`, `moco`, `context_loss` and `distillation` name their sources each.

Similarity is the dot product throughout. Pass unit vectors to make it the cosine, as the trainer does. Every function
returns a scalar tensor that carries gradients. The temperature, the weights and the batch sizes are configuration: the
values that Hu et al. used are not known to us.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "Pool",
    "context_loss",
    "distillation",
    "info_nce",
    "js_distance",
    "language_loss",
    "moco",
    "one_to_k",
    "semantic_loss",
]

Pool = Literal["other-side", "2n"]


def info_nce(queries: Tensor, passages: Tensor, temperature: float, *, exclude: Tensor | None = None) -> Tensor:
    """Return the mean InfoNCE loss of queries against the passages of the batch.

    Query i belongs to passage i; every other passage is a negative. Hard negatives, in any number, follow the N
    positives, and serve as negatives to the whole batch.

    Args:
        queries: (N, D) float.
        passages: (M, D) float with M >= N; the N positives first.
        temperature: τ > 0, the divisor of the similarities.
        exclude: (N, M) bool, true where a passage is no negative of a query (a duplicate of its
            positive, say). The positives themselves are never excluded.

    Returns:
        A scalar: mean over i of −log softmax(q_i · p / τ)_i.

    Raises:
        ValueError: the shapes do not fit, the batch is empty, or the temperature is not positive.
    """
    _check_pair(queries, passages, temperature, more=True)
    n = queries.shape[0]
    logits = queries @ passages.T / temperature  # (N, M)
    if exclude is not None:
        _check_mask(exclude, logits)
        is_positive = torch.eye(n, passages.shape[0], dtype=torch.bool, device=logits.device)
        logits = logits.masked_fill(exclude & ~is_positive, float("-inf"))
    return F.cross_entropy(logits, torch.arange(n, device=logits.device))


def semantic_loss(
    english: Tensor,
    other: Tensor,
    temperature: float,
    *,
    pool: Pool = "other-side",
    duplicates: Tensor | None = None,
) -> Tensor:
    """Return semaCL: InfoNCE over translations, in both directions.

    With ``pool="other-side"`` a sentence chooses among the N sentences of the other side. With
    ``pool="2n"`` it chooses among all 2N sentences of the batch but itself, so that being in the
    same language is no help.

    Args:
        english: (N, D) float, the English sides.
        other: (N, D) float; row i translates row i of ``english``.
        temperature: τ > 0.
        pool: where the negatives come from.
        duplicates: (N, N) bool, true where pairs i and j mean the same (one English sentence
            translated into two languages); such pairs are no negatives of one another.

    Returns:
        A scalar: the mean over the 2N sentences (both directions weigh the same).

    Raises:
        ValueError: the shapes do not fit, the batch is empty, the pool is unknown, or the
            temperature is not positive.
    """
    _check_pair(english, other, temperature)
    if pool == "other-side":
        forward = info_nce(english, other, temperature, exclude=duplicates)
        transposed = None if duplicates is None else duplicates.T
        return (forward + info_nce(other, english, temperature, exclude=transposed)) / 2
    if pool != "2n":
        raise ValueError(f"unknown pool {pool!r}; choose 'other-side' or '2n'")
    n = english.shape[0]
    sentences = torch.cat([english, other])  # (2N, D)
    partners = torch.cat([other, english])  # (2N, D): row i is the translation of sentence i
    itself = torch.eye(n, dtype=torch.bool, device=english.device)
    same = itself if duplicates is None else duplicates | itself  # (N, N)
    # Columns are `partners`: a sentence finds its positive on the diagonal, and finds itself in
    # the other half, where its own pair stands; that column must go.
    exclude = same.repeat(2, 2)  # (2N, 2N)
    return info_nce(sentences, partners, temperature, exclude=exclude)


def language_loss(nonparallel: Tensor, english: Tensor, other: Tensor, temperature: float) -> Tensor:
    """Return langCL: no text may lie nearer to one side of a translation than to the other.

    For a text n and a translation (e, l) the loss is −log P(e|n) − log P(l|n), with
    P(e|n) = exp(s(n,e)/τ) / (exp(s(n,e)/τ) + exp(s(n,l)/τ)). With d = (s(n,e) − s(n,l))/τ that is
    softplus(d) + softplus(−d) = |d| + 2 log(1 + exp(−|d|)): even in d, 2 ln 2 ≈ 1.386294 at d = 0
    and never less, its derivative tanh(d/2). The second form cannot overflow.

    An encoder that maps every text to one point reaches the minimum too, so this loss must never
    train alone.

    Args:
        nonparallel: (N, D) float, texts of any language that need translate nothing.
        english: (P, D) float, the English sides.
        other: (P, D) float; row j translates row j of ``english``.
        temperature: τ > 0.

    Returns:
        A scalar: the mean over all N · P combinations. Memory is O(N · P), never N · P · D.

    Raises:
        ValueError: the shapes do not fit, a batch is empty, or the temperature is not positive.
    """
    _check_pair(english, other, temperature)
    if nonparallel.ndim != 2 or not len(nonparallel) or nonparallel.shape[1] != english.shape[1]:
        raise ValueError(f"nonparallel is {tuple(nonparallel.shape)}, expected (N, {english.shape[1]}), N > 0")
    # Two similarity matrices: subtracting the embeddings first would need one product only, but
    # loses digits where e and l nearly agree, which is where this loss drives them.
    difference = (nonparallel @ english.T - nonparallel @ other.T) / temperature  # (N, P)
    return (F.softplus(difference) + F.softplus(-difference)).mean()


def one_to_k(
    anchors: Tensor, texts: Tensor, owners: Tensor, temperature: float, *, exclude: Tensor | None = None
) -> Tensor:
    """Return the 1-to-K loss: every anchor has K positives at once.

    With s the similarities over τ and K_i the positives of anchor i, it is the mean over i of

        1/(2 K_i) Σ_k [ −log exp s(a_i, t_ik) / Σ_m exp s(a_i, t_m)  −  log exp s(a_i, t_ik) / Σ_j exp s(a_j, t_ik) ],

    which is (L_a→t + L_t→a)/(2K) where all have K. The first denominator holds all texts, the anchor's other positives
    too, so that ln K is the least that L_a→t/K can reach.

    Source: Nie et al., "Improving the Consistency in Cross-Lingual Cross-Modal Retrieval with 1-to-K Contrastive
    Learning", KDD 2024, where anchors are images. Their code (BUAADreamer/CCRK, `models/xvlm.py`) averages L_t→a over
    the N · K texts before it divides by 2K, and so gives it 1/K of the weight of L_a→t; here both weigh the same.

    Args:
        anchors: (N, D) float.
        texts: (M, D) float, the positives of all anchors.
        owners: (M,) int64, the anchor of each text; every anchor has one text at least.
        temperature: τ > 0.
        exclude: (N, M) bool, true where a text is no negative of an anchor, nor the anchor one of the text. Positives
            are never excluded.

    Raises:
        ValueError: the shapes do not fit, the batch is empty, an anchor has no text, or the temperature is not
            positive.
    """
    _check_pair(anchors, texts, temperature, more=True)
    if owners.shape != texts.shape[:1]:
        raise ValueError(f"owners is {tuple(owners.shape)}, expected {tuple(texts.shape[:1])}")
    counts = torch.bincount(owners, minlength=len(anchors))  # (N,)
    if len(counts) != len(anchors) or not counts.all():
        raise ValueError("every text needs an anchor, and every anchor a text")
    logits = anchors @ texts.T / temperature  # (N, M)
    columns = torch.arange(len(texts), device=logits.device)
    if exclude is not None:
        _check_mask(exclude, logits)
        positive = torch.zeros_like(exclude)
        positive[owners, columns] = True
        logits = logits.masked_fill(exclude & ~positive, float("-inf"))
    found = F.log_softmax(logits, dim=1)[owners, columns] + F.log_softmax(logits, dim=0)[owners, columns]  # (M,)
    return -(found / (2 * counts[owners])).sum() / len(anchors)


def js_distance(left: Tensor, right: Tensor) -> Tensor:
    """Return the mean Jensen-Shannon distance, √JSD(softmax left ‖ softmax right), of the rows of two matrices.

    With p and q the two distributions and m = (p + q)/2, JSD = ½ KL(p ‖ m) + ½ KL(q ‖ m) in nats, so that the distance
    lies between 0 and √(ln 2) ≈ 0.832555. With d the difference of the two log-probabilities it is

        JSD = ½ Σ m · g(d),    g(d) = (1+t) ln(1+t) + (1−t) ln(1−t),    t = tanh(d/2),

    a sum of terms that are never negative: nothing cancels, where the two nearly agree least of all. There g is
    summed as its series t² + t⁴/6 + t⁶/15 + … . The root of JSD is like a norm of the difference: its slope stays
    bounded near 0, and at 0, where it has none, the gradient is 0.

    Source: Hong et al., "Improving Semantic Proximity in Information Retrieval through Cross-Lingual Alignment", 2026,
    which adds it to InfoNCE. *Recalled*: that the softmax is over the dimensions of the embeddings themselves.

    Args:
        left: (N, D) float logits.
        right: (N, D) float logits.

    Raises:
        ValueError: the shapes do not fit, or there are no rows.
    """
    _check_pair(left, right, 1.0)
    log_p, log_q = F.log_softmax(left, dim=1), F.log_softmax(right, dim=1)
    d = log_p - log_q  # (N, D)
    t = torch.tanh(d / 2)
    near = t.abs() < 0.1
    square = torch.where(near, t, torch.zeros_like(t)) ** 2
    series = sum((square ** (k - 1) / (k * (2 * k - 1)) for k in range(2, 8)), torch.ones_like(t)) * square
    share = torch.sigmoid(d)  # of p in p + q; g is 2 (ln 2 − the entropy of (share, 1 − share))
    entropy = -(share * F.logsigmoid(d) + (1 - share) * F.logsigmoid(-d))
    g = torch.where(near, series, 2 * (math.log(2) - entropy))
    divergence = ((log_p.exp() + log_q.exp()) / 2 * g).sum(dim=1) / 2  # (N,)
    positive = divergence > torch.finfo(divergence.dtype).tiny
    return torch.where(positive, torch.where(positive, divergence, 1.0).sqrt(), divergence * 0).mean()


def moco(queries: Tensor, keys: Tensor, queue: Tensor, temperature: float, *, exclude: Tensor | None = None) -> Tensor:
    """Return InfoNCE with a queue: query i belongs to key i; other keys and everything queued are negatives.

    Source: He et al., "Momentum Contrast for Unsupervised Visual Representation Learning", CVPR 2020; for text, Izacard
    et al., "Unsupervised Dense Information Retrieval with Contrastive Learning", TMLR 2022 (mContriever). Their
    negatives are the queue alone, which starts with random vectors (facebookresearch/contriever, `src/moco.py`). Here
    the queue starts empty, and the other keys of the batch are negatives too.

    Args:
        queries: (N, D) float.
        keys: (N, D) float, of the momentum encoder, without gradient.
        queue: (Q, D) float, keys of earlier steps; Q may be 0.
        temperature: τ > 0.
        exclude: (N, N + Q) bool, true where a key is no negative of a query.

    Raises:
        ValueError: as `info_nce`, or there are not as many keys as queries.
    """
    _check_pair(queries, keys, temperature)
    return info_nce(queries, torch.cat([keys, queue.to(keys)]), temperature, exclude=exclude)


def context_loss(
    centres: Tensor,
    contexts: Tensor,
    languages: Tensor,
    temperature: float,
    *,
    bank: tuple[Tensor, Tensor, Tensor] | None = None,
    exclude: Tensor | None = None,
) -> Tensor:
    """Return the loss of contrastive context prediction (CCP): a sentence and one of its context find each other.

    InfoNCE in both directions, in which only vectors of the *same language* are negatives: those of the batch, and
    those that a bank keeps from earlier steps. Telling languages apart is then no help.

    Source: Wu et al., "Unsupervised Context Aware Sentence Representation Pretraining for Multi-lingual Dense
    Retrieval", IJCAI 2022. *Recalled*: that both directions share the work equally.

    Args:
        centres: (N, D) float, the sentences.
        contexts: (N, D) float; row i is from the window around sentence i.
        languages: (N,) int64, a number for each row's language.
        temperature: τ > 0.
        bank: earlier centres (Q, D), earlier contexts (Q, D) and their languages (Q,); Q may be 0.
        exclude: (N, N) bool, true where rows i and j are no negatives of one another; symmetric.

    Returns:
        A scalar: the mean of the two directions.

    Raises:
        ValueError: the shapes do not fit, the batch is empty, or the temperature is not positive.
    """
    _check_pair(centres, contexts, temperature)
    if languages.shape != centres.shape[:1]:
        raise ValueError(f"languages is {tuple(languages.shape)}, expected {tuple(centres.shape[:1])}")
    barred = languages[:, None] != languages[None, :]  # (N, N)
    if exclude is not None:
        _check_mask(exclude, barred)
        barred = barred | exclude
    old_centres, old_contexts = centres[:0], contexts[:0]
    if bank is not None:
        old_centres, old_contexts, spoken = bank
        barred = torch.cat([barred, languages[:, None] != spoken[None, :]], dim=1)  # (N, N + Q)
    forward = info_nce(centres, torch.cat([contexts, old_contexts]), temperature, exclude=barred)
    return (forward + info_nce(contexts, torch.cat([centres, old_centres]), temperature, exclude=barred)) / 2


def distillation(
    student: Tensor,
    student_pool: Tensor,
    teacher: Tensor,
    teacher_pool: Tensor,
    temperature: float,
    teacher_temperature: float,
    *,
    exclude: Tensor | None = None,
) -> Tensor:
    """Return how far the student's similarities are from the teacher's: the mean over rows i of

        KL( softmax_j (teacher_i · teacher_pool_j / τ_t)  ‖  softmax_j (student_i · student_pool_j / τ) ).

    Only similarities are compared, so that the dimensions of the two need not agree.

    Source: similarities turned into probabilities as Passalis and Tefas, "Learning Deep Representations with
    Probabilistic Knowledge Transfer", ECCV 2018, and Fang et al., "SEED: Self-supervised Distillation for Visual
    Representation", ICLR 2021; an English teacher for both sides of a translation as Reimers and Gurevych, EMNLP 2020,
    who compare vectors. All *recalled*.

    Args:
        student: (N, D) float.
        student_pool: (M, D) float.
        teacher: (N, E) float, without gradient.
        teacher_pool: (M, E) float, without gradient.
        temperature: τ > 0, of the student.
        teacher_temperature: τ_t > 0.
        exclude: (N, M) bool, true for pairs that are left out on both sides; every row keeps one at least.

    Raises:
        ValueError: the shapes do not fit, a row has nothing left, or a temperature is not positive.
    """
    _check_pair(student, student_pool, temperature, more=None)
    _check_pair(teacher, teacher_pool, teacher_temperature, more=None)
    if len(student) != len(teacher) or len(student_pool) != len(teacher_pool):
        raise ValueError("student and teacher have different rows")
    logits = student @ student_pool.T / temperature  # (N, M)
    wanted = teacher @ teacher_pool.T / teacher_temperature  # (N, M)
    if exclude is None:
        exclude = torch.zeros_like(logits, dtype=torch.bool)
    _check_mask(exclude, logits)
    if bool(exclude.all(dim=1).any()):
        raise ValueError("a row has nothing left to be compared with")
    log_s = F.log_softmax(logits.masked_fill(exclude, float("-inf")), dim=1).masked_fill(exclude, 0.0)
    log_t = F.log_softmax(wanted.masked_fill(exclude, float("-inf")), dim=1).masked_fill(exclude, float("-inf"))
    return F.kl_div(log_s, log_t.exp(), reduction="sum") / len(student)


def _check_mask(mask: Tensor, logits: Tensor) -> None:
    """Raise ValueError unless a mask has the shape of the logits."""
    if mask.shape != logits.shape:
        raise ValueError(f"exclude is {tuple(mask.shape)}, expected {tuple(logits.shape)}")


def _check_pair(left: Tensor, right: Tensor, temperature: float, *, more: bool | None = False) -> None:
    """Raise ValueError unless both are (rows, D) and temperature > 0.

    The right has as many rows as the left, as many at least (`more`), or any number but 0 (None).
    """
    if not temperature > 0:
        raise ValueError(f"the temperature must be positive, got {temperature}")
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[1]:
        raise ValueError(f"expected two (rows, D), got {tuple(left.shape)}, {tuple(right.shape)}")
    if not len(left) or not len(right):
        raise ValueError("the batch is empty")
    if more is not None and (len(right) < len(left) if more else len(left) != len(right)):
        raise ValueError(f"{len(right)} rows do not go with {len(left)}")
