"""The conformance kit inside pytest."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from harness.testing.checks import CHECKS, Subject


def parametrize_with_checks(name: str, **options: Any) -> Callable[[Any], Any]:
    """Decorate a test that takes `check` and calls it: it runs once for each check, under the check's id.

    `name` is the encoder as `harness encoders` lists it, `options` are its options.
    """
    import pytest

    @lru_cache(maxsize=1)
    def subject() -> Subject:
        return Subject(name, options)

    def call(function: Callable[[Subject], None]) -> None:
        function(subject())

    cases = [pytest.param(partial(call, check.function), id=check.id) for check in CHECKS]
    return pytest.mark.parametrize("check", cases)
