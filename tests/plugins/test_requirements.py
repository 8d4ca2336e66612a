"""Optional packages: present, absent, too old."""

from __future__ import annotations

import numpy
import pytest

from harness.errors import UsageError
from harness.plugins.requirements import require, satisfied


def test_what_is_there_satisfies() -> None:
    """A package of a version in the range is enough, whatever the spelling of its name."""
    assert satisfied("numpy")
    assert satisfied(f"NumPy=={numpy.__version__}")
    require("anything", "numpy>=1", "pydantic_core")


def test_what_is_absent_or_too_old_is_named_with_the_command() -> None:
    """The error names what was asked for, everything that is lacking, and how to get it."""
    with pytest.raises(UsageError) as caught:
        require("backend=acme", "no-such-package-at-all>=2", "numpy", "numpy>=9999")
    assert caught.value.message == "backend=acme needs no-such-package-at-all>=2 and numpy>=9999"
    assert caught.value.hint == 'Get it: pip install "no-such-package-at-all>=2" "numpy>=9999"'
