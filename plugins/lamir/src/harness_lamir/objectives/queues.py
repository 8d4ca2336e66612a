"""Vectors of earlier steps, kept as negatives: a queue, and a queue for each language.

All is in buffers, so that the state dict of an objective holds it and a run that resumes goes on exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["LanguageBanks", "Queue"]


class Queue(nn.Module):
    """The last `size` rows that were pushed.

    Args:
        size: rows kept; 0 keeps none.
        dim: dimensions of a row.
    """

    rows: Tensor
    pushed: Tensor

    def __init__(self, size: int, dim: int) -> None:
        """Start empty."""
        super().__init__()
        self.size = size
        self.register_buffer("rows", torch.zeros(size, dim))
        self.register_buffer("pushed", torch.zeros((), dtype=torch.int64))

    def push(self, rows: Tensor) -> None:
        """Append (N, dim) rows, without their gradient; the oldest make room."""
        kept = rows.detach()[max(0, len(rows) - self.size) :].to(self.rows)
        end = int(self.pushed) + len(rows)
        if len(kept):
            places = torch.arange(end - len(kept), end, device=self.rows.device) % self.size
            self.rows[places] = kept
        self.pushed.fill_(end)

    def contents(self) -> Tensor:
        """Return the rows that are kept, the oldest first: (at most size, dim), a copy."""
        pushed = int(self.pushed)
        if pushed <= self.size:
            return self.rows[:pushed].clone()
        start = pushed % self.size if self.size else 0
        return torch.cat([self.rows[start:], self.rows[:start]])


class LanguageBanks(nn.Module):
    """A queue for each language, made when the language first comes along.

    Args:
        size: rows kept of each language.
        dim: dimensions of a row.
    """

    place: Tensor

    def __init__(self, size: int, dim: int) -> None:
        """Start with no language."""
        super().__init__()
        self.size = size
        self.dim = dim
        self.queues = nn.ModuleDict()
        self.register_buffer("place", torch.zeros(()), persistent=False)  # tells where new queues belong

    def push(self, rows: Tensor, languages: Sequence[str]) -> None:
        """Append (N, dim) rows, each to the queue of its language."""
        for language in dict.fromkeys(languages):
            chosen = [i for i, other in enumerate(languages) if other == language]
            self._queue(_name(language)).push(rows[chosen])

    def contents(self, languages: Sequence[str]) -> Mapping[str, Tensor]:
        """Return what is kept of each of the given languages, the oldest first: (at most size, dim) by language."""
        distinct = dict.fromkeys(languages)
        return {language: self._queue(_name(language)).contents() for language in distinct}

    def _queue(self, name: str) -> Queue:
        """Return a queue, new if need be."""
        if name not in self.queues:
            self.queues[name] = Queue(self.size, self.dim).to(self.place.device)
        queue = self.queues[name]
        assert isinstance(queue, Queue)
        return queue

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        """Make the queues that a state dict holds, before torch fills them; those it lacks are emptied."""
        start = f"{prefix}queues."
        self.queues.clear()
        for name in dict.fromkeys(key[len(start) :].partition(".")[0] for key in state_dict if key.startswith(start)):
            self._queue(name)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _name(language: str) -> str:
    """Return a language code as a module's name: no dot, and nothing that a module already has (`to`, `type`)."""
    return "of_" + language.replace("%", "%25").replace(".", "%2E")
