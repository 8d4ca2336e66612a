"""The conformance kit: what every encoder, searcher and reranker must hold to, for authors to run in their own tests.

from harness.testing import parametrize_with_checks

@parametrize_with_checks("my-encoder", dim=128)
def test_contract(check):
    check()
"""

from harness.testing.checks import (
    CHECKS,
    Check,
    Outcome,
    Skip,
    Subject,
    checks_for,
    counts,
    ok,
    report,
    run_check,
    run_checks,
)
from harness.testing.pytest_support import parametrize_with_checks
from harness.testing.readme import options_table

__all__ = [
    "CHECKS",
    "Check",
    "Outcome",
    "Skip",
    "Subject",
    "checks_for",
    "counts",
    "ok",
    "options_table",
    "parametrize_with_checks",
    "report",
    "run_check",
    "run_checks",
]
