"""The checks: an id, one sentence why, a hint for the author, and a function; a module for each subject they are on.

One list serves `harness check-plugin` and `harness.testing.parametrize_with_checks`.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness._util.names import did_you_mean
from harness.errors import UsageError
from harness.plugins.spec import Kind
from harness.testing.checks import (
    behaviour,
    declaration,
    encoder,
    fingerprints,
    inputs,
    processes,
    reranker,
    safety,
    searcher,
)
from harness.testing.checks.model import Check, Outcome, Skip, Status
from harness.testing.checks.running import counts, ok, report, run_check, run_checks
from harness.testing.checks.subject import Subject

#: Every check, in the order in which they run: what is declared, what is computed, what may come in, what must not be.
CHECKS: tuple[Check, ...] = (
    *declaration.CHECKS,
    *encoder.CHECKS,
    *searcher.CHECKS,
    *reranker.CHECKS,
    *inputs.CHECKS,
    *behaviour.CHECKS,
    *processes.CHECKS,
    *fingerprints.CHECKS,
    *safety.CHECKS,
)


def checks_for(kind: Kind, ids: Sequence[str] = ()) -> tuple[Check, ...]:
    """The checks of one kind; those called `ids` where some are given.

    Raises UsageError for an id that no check has, or none of this kind.
    """
    of_kind = tuple(check for check in CHECKS if kind in check.kinds)
    for id in ids:
        if not any(check.id == id for check in CHECKS):
            raise UsageError(
                f"there is no check {id!r}", did_you_mean(id, [c.id for c in of_kind]) or "`--list` lists the checks."
            )
        if not any(check.id == id for check in of_kind):
            kinds = " and ".join(sorted({f"{k}s" for check in CHECKS if check.id == id for k in check.kinds}))
            raise UsageError(f"check {id!r} is for {kinds}, and this is of kind {kind}")
    return tuple(check for check in of_kind if not ids or check.id in ids)


__all__ = [
    "CHECKS",
    "Check",
    "Outcome",
    "Skip",
    "Status",
    "Subject",
    "checks_for",
    "counts",
    "ok",
    "report",
    "run_check",
    "run_checks",
]
