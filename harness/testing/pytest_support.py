"""The conformance kit inside pytest."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from harness.errors import UsageError
from harness.testing.checks import Check, Subject, checks_for, run_check


def parametrize_with_checks(name: str, **options: Any) -> Callable[[Any], Any]:
    """Decorate a test that takes `check` and calls it: it runs once for each check, under the check's id.

    `name` is the encoder, searcher or reranker as `harness encoders` lists it, `options` are its options. A check
    that has nothing to look at skips its test with the reason; one that fails as the declaration expects is an
    expected failure (xfail); one that was declared to fail and passes fails.

    A name that nothing has is one failing test, `installed`, and no error while tests are collected.
    """
    import pytest

    @lru_cache(maxsize=1)
    def subject() -> Subject:
        return Subject(name, options)

    def call(check: Check) -> None:
        outcome = run_check(check, subject())
        if outcome.status == "skipped":
            pytest.skip(outcome.reason)
        if outcome.status == "expected":
            pytest.xfail(outcome.reason)
        if outcome.bad:
            raise AssertionError(f"{outcome.reason}\n{check.why} {check.hint}") from outcome.error

    try:
        kind = Subject(name, options).kind
    except UsageError:
        cases = [pytest.param(subject, id="installed")]
    else:
        cases = [pytest.param(partial(call, check), id=check.id) for check in checks_for(kind)]
    return pytest.mark.parametrize("check", cases)
