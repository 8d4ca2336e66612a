"""The lock between processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harness_lamir.locking import claimed

_HOLD = """
import pathlib, sys
from harness_lamir.locking import claimed
with claimed(pathlib.Path(sys.argv[1])) as ours:
    print(ours, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_it_goes_with_the_process_that_holds_it(tmp_path: Path) -> None:
    """Another process gets no lock while one holds it, killed or not, and gets it afterwards."""
    path = tmp_path / "lock"
    command = [sys.executable, "-c", _HOLD, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "True\n"
        with claimed(path) as ours:
            assert not ours
    finally:
        process.kill()
        process.communicate()
    with claimed(path) as first, claimed(path) as second:
        assert first and not second
    with claimed(path) as ours:
        assert ours


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    """The caller, who knows what the lock is for, says what to do."""
    with pytest.raises(OSError, match="nowhere"), claimed(tmp_path / "nowhere" / "lock"):
        pass
