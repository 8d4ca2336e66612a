"""Running checks: outcomes, what is declared to fail, and what the whole amounts to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, get_args

from harness.testing.checks.model import Check, Outcome, Skip, Status
from harness.testing.checks.subject import Subject, one_line

#: Checks that nothing can excuse: the one that reads the declaration of failures, and the one that all others need.
NEVER_EXPECTED = ("expected-failures", "loads")


def run_check(check: Check, subject: Subject) -> Outcome:
    """Run one check; an exception of any kind is a failure, unless the declaration expects this check to fail."""
    declared = None if check.id in NEVER_EXPECTED else subject.entry.spec.expected_failures.get(check.id)
    if check.on_model and subject.refused is not None:
        return Outcome(check, "skipped", "it could not be loaded; the check `loads` tells why")
    try:
        check.function(subject)
    except Skip as skip:
        return Outcome(check, "skipped", str(skip))
    except (Exception, SystemExit) as error:
        if declared is not None:
            return Outcome(check, "expected", declared, error)
        return Outcome(check, "failed", one_line(error), error)
    if declared is not None:
        return Outcome(check, "unexpected", f"it passed, and is declared to fail: {declared}")
    return Outcome(check, "passed")


def run_checks(subject: Subject, checks: Iterable[Check] | None = None) -> list[Outcome]:
    """Run all checks of the subject's kind, or those of `checks` that are of its kind."""
    from harness.testing.checks import CHECKS

    chosen = CHECKS if checks is None else checks
    return [run_check(check, subject) for check in chosen if subject.kind in check.kinds]


def counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many outcomes have each status."""
    return {status: sum(o.status == status for o in outcomes) for status in get_args(Status)}


def ok(outcomes: Sequence[Outcome]) -> bool:
    """True when something was checked and nothing is wrong: skipped alone is not enough."""
    return any(o.status != "skipped" for o in outcomes) and not any(o.bad for o in outcomes)


def report(subject: Subject, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Plain values for JSON: who was checked, what each check found, and whether it is well."""
    return {
        "encoder": subject.entry.qualified_name,
        "kind": subject.kind,
        "distribution": subject.entry.distribution,
        "version": subject.entry.version,
        "ok": ok(outcomes),
        "counts": counts(outcomes),
        "checks": [
            {"id": o.check.id, "why": o.check.why, "status": o.status, "reason": o.reason, "hint": o.check.hint}
            for o in outcomes
        ],
    }
