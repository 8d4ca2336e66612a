"""The conformance kit: what every encoder must hold to, as checks that authors run in their own tests.

from harness.testing import parametrize_with_checks

@parametrize_with_checks("my-encoder", dim=128)
def test_contract(check):
check()
"""

from harness.testing.checks import CHECKS, Check, Outcome, Subject, run_checks
from harness.testing.pytest_support import parametrize_with_checks

__all__ = ["CHECKS", "Check", "Outcome", "Subject", "parametrize_with_checks", "run_checks"]
