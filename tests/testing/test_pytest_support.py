"""The kit inside pytest: one test for each check, with pytest's own words for what is skipped and expected."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.testing import Subject, checks_for, parametrize_with_checks

from . import toy_encoders, toy_searchers

Toy = Callable[..., Subject]


def _cases(name: str, **options: Any) -> dict[str, Callable[[], None]]:
    """The cases of a test as an author writes it, by id."""

    @parametrize_with_checks(name, **options)
    def probe(check: Callable[[], None]) -> None:
        """A test."""

    (mark,) = probe.pytestmark  # type: ignore[attr-defined]
    assert mark.args[0] == "check"
    return {case.id: case.values[0] for case in mark.args[1]}


def test_one_case_for_each_check(toy: Toy) -> None:
    """The decorator gives pytest the checks of the kind, in order, under their ids."""
    assert list(_cases("hashing")) == [check.id for check in checks_for("encoder")]
    toy(toy_searchers.Sound, "searcher")
    assert list(_cases("toy-dist:toy")) == [check.id for check in checks_for("searcher")]


def test_a_case_fails_as_its_check_does(toy: Toy) -> None:
    """A case raises exactly when its check fails, with reason and hint."""
    toy(toy_encoders.Constant)
    cases = _cases("toy-dist:toy")
    cases["shape"]()
    with pytest.raises(AssertionError, match=r"different texts have the same vector\n.*Look at pooling"):
        cases["distinct"]()


def test_skipped_is_skipped(toy: Toy) -> None:
    """A check with nothing to look at skips its test, with the reason."""
    toy(toy_encoders.Declared)
    with pytest.raises(pytest.skip.Exception, match="normalized is false"):
        _cases("toy-dist:toy")["normalisation"]()


def test_expected_failures_are_xfails(toy: Toy) -> None:
    """A declared failure is an expected one, with its reason; one that passes is a failure."""
    toy(toy_encoders.Sorted, expected={"order": "sorts by length", "shape": "flat"})
    cases = _cases("toy-dist:toy")
    with pytest.raises(pytest.xfail.Exception, match="sorts by length"):
        cases["order"]()
    with pytest.raises(AssertionError, match="it passed, and is declared to fail: flat"):
        cases["shape"]()


def test_missing_plugin_is_one_failing_case() -> None:
    """A name that nothing has is found when the test runs."""
    cases = _cases("no-such-encoder")
    assert list(cases) == ["installed"]
    with pytest.raises(UsageError, match="there is no encoder 'no-such-encoder'"):
        cases["installed"]()


def test_wrong_options_are_found_when_the_test_runs() -> None:
    """A misspelt option is an error of the tests that need the model, and none of collection."""
    cases = _cases("hashing", dims=3)
    with pytest.raises(AssertionError, match="has no option 'dims'"):
        cases["loads"]()
    with pytest.raises(pytest.skip.Exception, match="it could not be loaded"):
        cases["shape"]()


def test_a_file_of_an_author(tmp_path: Path) -> None:
    """Run by pytest itself: passes and skips where the plugin is there, one failure and no error where it is not."""
    test = "from harness.testing import parametrize_with_checks\n\n"
    for name in ("hashing", "not-there"):
        test += f"@parametrize_with_checks({name!r})\ndef test_{name[:3]}(check):\n    check()\n\n"
    (tmp_path / "test_contract.py").write_text(test)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_contract.py"],
        cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"1 failed, {len(checks_for('encoder')) - 2} passed, 2 skipped" in done.stdout.splitlines()[-1]
