"""From checks to outcomes: what is skipped is not passed, what is expected is declared, nothing at all is a failure."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.errors import UsageError
from harness.testing import CHECKS, Check, Outcome, Skip, Subject, checks_for, counts, ok, report, run_check, run_checks

from . import toy_encoders, toy_searchers

Toy = Callable[..., Subject]


def _passes(subject: Subject) -> None:
    """Nothing to say."""


def _fails(subject: Subject) -> None:
    raise AssertionError("two\n lines")


def _raises(subject: Subject) -> None:
    raise KeyError("x")


def _skips(subject: Subject) -> None:
    raise Skip("nothing to look at")


def _check(function: Callable[[Subject], None], id: str = "order") -> Check:
    return Check(id, "Why.", "Hint.", function)


@pytest.mark.parametrize(
    ("function", "expected", "status", "reason"),
    [
        (_passes, {}, "passed", ""),
        (_fails, {}, "failed", "two lines"),
        (_raises, {}, "failed", "KeyError: 'x'"),
        (_skips, {}, "skipped", "nothing to look at"),
        (_passes, {"order": "sorts"}, "unexpected", "it passed, and is declared to fail: sorts"),
        (_fails, {"order": "sorts"}, "expected", "sorts"),
        (_raises, {"order": "sorts"}, "expected", "sorts"),
        (_skips, {"order": "sorts"}, "skipped", "nothing to look at"),
        (_fails, {"shape": "flat"}, "failed", "two lines"),
    ],
)
def test_outcomes(
    toy: Toy, function: Callable[[Subject], None], expected: dict[str, str], status: str, reason: str
) -> None:
    """What a check did and what was declared of it make its outcome."""
    outcome = run_check(_check(function), toy(toy_encoders.Healthy, expected=expected))
    assert (outcome.status, outcome.reason) == (status, reason)
    assert outcome.bad == (status in ("failed", "unexpected"))


def test_the_declaration_of_failures_cannot_be_excused(toy: Toy) -> None:
    """The check that reads expected_failures fails whatever they say."""
    outcome = run_check(
        _check(_fails, "expected-failures"), toy(toy_encoders.Healthy, expected={"expected-failures": "no"})
    )
    assert outcome.status == "failed"


def test_interruption_is_no_outcome(toy: Toy) -> None:
    """Ctrl-C ends the checks."""

    def interrupted(subject: Subject) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_check(_check(interrupted), toy(toy_encoders.Healthy))


@pytest.mark.parametrize(
    ("statuses", "well"),
    [
        (["passed"], True),
        (["passed", "skipped"], True),
        (["passed", "expected"], True),
        (["expected"], True),
        ([], False),
        (["skipped", "skipped"], False),
        (["passed", "failed"], False),
        (["passed", "unexpected"], False),
    ],
)
def test_nothing_checked_is_not_well(statuses: list[str], well: bool) -> None:
    """Skipped is not passed: something must have been checked, and nothing be wrong."""
    outcomes = [Outcome(_check(_passes), status) for status in statuses]  # type: ignore[arg-type]
    assert ok(outcomes) == well
    assert sum(counts(outcomes).values()) == len(outcomes)


def test_only_checks_of_the_kind_run(toy: Toy) -> None:
    """A searcher is not measured by an encoder's rules."""
    outcomes = run_checks(
        toy(toy_searchers.Sound, "searcher"), [c for c in CHECKS if c.id in ("shape", "normalisation")]
    )
    assert [(o.check.id, o.check.kinds) for o in outcomes] == [("shape", ("searcher",))]


def test_checks_by_id() -> None:
    """Ids choose; one that nobody has, or another kind has, is answered with what may be meant."""
    assert [check.id for check in checks_for("encoder", ["order", "shape"])] == ["shape", "order"]
    with pytest.raises(UsageError, match="there is no check 'shap'\n  Did you mean 'shape'"):
        checks_for("encoder", ["shap"])
    with pytest.raises(UsageError, match="check 're-index' is for searchers, and this is of kind encoder"):
        checks_for("encoder", ["re-index"])


def test_report_is_plain(toy: Toy) -> None:
    """The report names who was checked, counts every status, and gives each check's sentence and hint."""
    subject = toy(toy_encoders.Sorted, expected={"order": "sorts by length"})
    found = report(subject, run_checks(subject, checks_for("encoder", ["order", "pickles", "shape"])))
    assert {key: found[key] for key in ("encoder", "kind", "distribution", "version", "ok")} == {
        "encoder": "toy-dist:toy",
        "kind": "encoder",
        "distribution": "toy-dist",
        "version": "1.0",
        "ok": True,
    }
    assert found["counts"] == {"passed": 1, "failed": 0, "skipped": 1, "expected": 1, "unexpected": 0}
    order = next(check for check in found["checks"] if check["id"] == "order")
    assert order == {
        "id": "order",
        "why": "Row i must belong to text i.",
        "status": "expected",
        "reason": "sorts by length",
        "hint": "Undo the sorting by length after batching.",
    }
