"""Which texts of a batch are the same: what must not be pushed apart."""

from __future__ import annotations

from torch import Tensor

__all__ = ["answers", "same"]


def same(left: Tensor, right: Tensor) -> Tensor:
    """Return (N, M) bool: which of N keys equals which of M keys."""
    return left[:, None] == right[None, :]


def answers(questions: Tensor, positives: Tensor, passages: Tensor) -> Tensor:
    """Return (N, M) bool: which passages answer a question, by all that the batch says.

    A passage answers a question if it equals the positive of that question, wherever in the batch the question is
    asked again.

    Args:
        questions: (N,) int64 keys.
        positives: (N,) int64 keys; positive i answers question i.
        passages: (M,) int64 keys.
    """
    asked = same(questions, questions)  # (N, N)
    fits = same(positives, passages)  # (N, M)
    # A product of counts, because torch has no product of bool matrices; exact below 2 ** 24 questions.
    return asked.float() @ fits.float() > 0
