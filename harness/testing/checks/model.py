"""What a check is, and what it may find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from harness.plugins.spec import Kind
from harness.testing.checks.subject import Subject

#: `expected` failed as the declaration said it would; `unexpected` passed although it was declared to fail.
Status = Literal["passed", "failed", "skipped", "expected", "unexpected"]

#: The statuses of a check that found what must not be.
BAD: tuple[Status, ...] = ("failed", "unexpected")

EVERY_KIND: tuple[Kind, ...] = ("encoder", "searcher", "reranker")


class Skip(Exception):
    """Raised by a check that has nothing to look at; the message says why."""


@dataclass(frozen=True)
class Check:
    """One requirement of the contract.

    `why` is one sentence, `hint` what an author can do. `function` raises AssertionError, or any other exception,
    where the requirement is not met, and `Skip` where it does not apply. `kinds` are what it is asked of: an id is
    unique among the checks of one kind, and two kinds may share it where the requirement is the same in other words.
    `on_model` is false for a check of the declaration, which is run where nothing could be loaded too.
    """

    id: str
    why: str
    hint: str
    function: Callable[[Subject], None]
    kinds: tuple[Kind, ...] = EVERY_KIND
    on_model: bool = True


@dataclass(frozen=True)
class Outcome:
    """What a check found. `reason` is empty for one that passed; `error` is what it raised."""

    check: Check
    status: Status
    reason: str = ""
    error: BaseException | None = field(default=None, compare=False, repr=False)

    @property
    def bad(self) -> bool:
        """True when this outcome alone makes the whole a failure."""
        return self.status in BAD
