"""What a run tells while it goes on, and when it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness_lamir.training.heldout import HeldOut
from harness_lamir.training.state import Progress, Scored

__all__ = ["Outcome", "Reporter", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was made: its number, its losses (unweighted, and their weighted sum), and what it ran at."""

    number: int
    losses: dict[str, float]
    total: float
    learning_rate: float
    gradient_norm: float
    texts: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run: the folder that was written, how far it came, and what it achieved."""

    folder: Path
    progress: Progress
    heldout: HeldOut | None


@dataclass(frozen=True)
class Reporter:
    """What is called while a run goes on: stages in a few words, steps, evaluations, and the step it resumed from."""

    stage: Callable[[str], None] = lambda _: None
    step: Callable[[Step], None] = lambda _: None
    scored: Callable[[Scored], None] = lambda _: None
    resumed: Callable[[int], None] = lambda _: None
