"""Provenance: what software and machine made a result, and nothing about whose it is."""

from __future__ import annotations

import getpass
import os
import platform
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import numpy as np

import harness
from harness.results.provenance import provenance


def test_versions_are_those_installed() -> None:
    """Every package that can move a score is named with the version that is installed."""
    found = provenance("abc123")
    assert found.harness == harness.__version__
    assert found.python == platform.python_version()
    assert found.source_revision == "abc123"
    assert {"numpy", "nltk", "pytrec-eval-terrier"} <= set(found.packages)
    assert found.packages["numpy"] == np.__version__
    assert all(version == metadata.version(name) for name, version in found.packages.items())


def test_written_is_now_in_utc() -> None:
    """The time is ISO 8601 with its offset, to the second."""
    written = datetime.fromisoformat(provenance(None).written)
    assert written.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - written) < timedelta(seconds=30)
    assert written.microsecond == 0


def test_nothing_private_is_told() -> None:
    """Results are published: no user, host, home or working folder stands in them."""
    text = provenance(None).model_dump_json()
    private = {socket.gethostname(), str(Path.home()), os.getcwd(), f"/{getpass.getuser()}/"}
    assert [word for word in private if len(word) > 3 and word in text] == []


def test_the_processor_has_a_name() -> None:
    """Timings mean nothing without it."""
    assert provenance(None).processor.strip()


def test_peak_memory_never_falls() -> None:
    """It is a peak in bytes: what was used once is still counted after it is given back."""
    code = (
        "import numpy as np\n"
        "from harness.results.provenance import peak_memory\n"
        "before = peak_memory()\n"
        "block = np.ones(16 << 20)\n"  # 128 MiB
        "during = peak_memory()\n"
        "del block\n"
        "print(before, during, peak_memory())\n"
    )
    before, during, after = map(int, _python(code).split())
    assert 120 << 20 <= during - before <= 200 << 20
    assert after >= during - (1 << 20)  # the kernel counts pages in batches


def test_peak_memory_is_not_the_parents() -> None:
    """A run that a large process has started, such as a notebook, reports its own memory."""
    child = "from harness.results.provenance import peak_memory; print(peak_memory())"
    parent = (
        "import subprocess, sys\n"
        "block = b'x' * (1 << 29)\n"  # 512 MiB
        f"print(subprocess.run([sys.executable, '-c', {child!r}], capture_output=True, text=True, check=True).stdout)\n"
    )
    assert 1 << 20 < int(_python(parent)) < 1 << 29


def _python(code: str) -> str:
    """What `code` prints in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120).stdout
