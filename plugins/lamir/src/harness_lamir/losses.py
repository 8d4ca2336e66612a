"""The three losses of LAMIR, as pure functions of embedding matrices.

Source: Hu et al., "Language Agnostic Multilingual Information Retrieval with Contrastive
Learning", Findings of ACL 2023. The paper trains on

    total = L_IR  +  w_s * semaCL  +  w_l * langCL

* **L_IR** pulls an English question towards its passage and away from the other passages of the
  batch (InfoNCE); see `info_nce`.
* **semaCL** does the same with the two sides of a translation, so that a sentence and its
  translation meet; see `semantic_loss`.
* **langCL** asks of every text ``n`` that it be *equally* far from both sides of a translation:
  that it cannot tell in which language the meaning was put; see `language_loss`.

Similarity is the dot product throughout. Pass unit vectors to make it the cosine, as the trainer
does. Every function returns a scalar tensor that carries gradients. The temperature, the weights
and the batch sizes are configuration: the values that the paper used are not known to us.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Pool", "info_nce", "language_loss", "semantic_loss", "total_loss"]

Pool = Literal["other-side", "2n"]


def info_nce(queries: Tensor, passages: Tensor, temperature: float, *, exclude: Tensor | None = None) -> Tensor:
    """Return the mean InfoNCE loss of queries against the passages of the batch.

    Query i belongs to passage i; every other passage is a negative. Hard negatives, H for each
    query, follow the N positives, and serve as negatives to the whole batch.

    Args:
        queries: (N, D) float.
        passages: (M, D) float with M = N * (1 + H); the N positives first.
        temperature: τ > 0, the divisor of the similarities.
        exclude: (N, M) bool, true where a passage is no negative of a query (a duplicate of its
            positive, say). The positives themselves are never excluded.

    Returns:
        A scalar: mean over i of −log softmax(q_i · p / τ)_i.

    Raises:
        ValueError: the shapes do not fit, the batch is empty, or the temperature is not positive.
    """
    _check_pair(queries, passages, temperature, multiple=True)
    n = queries.shape[0]
    logits = queries @ passages.T / temperature  # (N, M)
    if exclude is not None:
        if exclude.shape != logits.shape:
            raise ValueError(f"exclude is {tuple(exclude.shape)}, expected {tuple(logits.shape)}")
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


def total_loss(
    ir: Tensor,
    semantic: Tensor,
    language: Tensor,
    *,
    ir_weight: float,
    semantic_weight: float,
    language_weight: float,
) -> Tensor:
    """Return the weighted sum of the three losses, all scalars; the paper has ``ir_weight`` 1."""
    return ir_weight * ir + semantic_weight * semantic + language_weight * language


def _check_pair(left: Tensor, right: Tensor, temperature: float, *, multiple: bool = False) -> None:
    """Raise ValueError unless both are (rows, D), row counts fit, and temperature > 0."""
    if not temperature > 0:
        raise ValueError(f"the temperature must be positive, got {temperature}")
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[1]:
        raise ValueError(f"expected two (rows, D), got {tuple(left.shape)}, {tuple(right.shape)}")
    if not len(left):
        raise ValueError("the batch is empty")
    if (len(right) % len(left) or not len(right)) if multiple else len(left) != len(right):
        raise ValueError(f"{len(right)} rows do not go with {len(left)}")
