"""A check that asks another process: what one has stored is read by the next."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from harness.testing.checks.compare import furthest_of
from harness.testing.checks.model import Check, Skip
from harness.testing.checks.subject import Subject, one_line
from harness.testing.checks.texts import PLAIN

#: Seconds until the other process counts as stuck: it imports and loads everything once more.
_PATIENCE = 900


def another_process(subject: Subject) -> None:
    """A fresh interpreter that hashes strings differently gives the same answers under the same fingerprint."""
    try:
        asked = json.dumps([subject.entry.qualified_name, subject.options], default=os.fspath)
    except TypeError as error:
        raise Skip(f"an option cannot be handed to another process: {error}") from error
    with TemporaryDirectory(prefix="harness-check-") as folder:
        told = Path(folder) / "answers.npz"
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONHASHSEED": "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1",
        }
        code = f"from {__name__} import tell; tell()"
        done = subprocess.run(
            [sys.executable, "-c", code, str(told)],
            input=asked, env=environment, capture_output=True, encoding="utf-8", errors="replace", timeout=_PATIENCE,
        )  # fmt: skip
        said = done.stderr.strip().splitlines()
        assert told.is_file(), f"in another process: {said[-1] if said else f'exit status {done.returncode}'}"
        with np.load(told, allow_pickle=False) as found:
            fingerprint = str(found["fingerprint"])
            answers = [found[f"arr_{i}"] for i in range(len(found) - 1)]
    assert fingerprint == subject.model.info.fingerprint, "another process gave another fingerprint"
    moved = furthest_of(subject.ask(subject.model, PLAIN), answers)
    assert moved <= subject.tolerance, f"another process moved an answer by {moved:.2g}"


def tell() -> None:
    """What the other process does: load what is named on stdin, and write its answers to the file of the argument."""
    name, options = json.loads(sys.stdin.buffer.read())
    try:
        subject = Subject(name, options)
        answers: list[Any] = [np.asarray(answer) for answer in subject.ask(subject.model, PLAIN)]
        np.savez(sys.argv[1], *answers, fingerprint=np.array(subject.model.info.fingerprint))
    except (Exception, SystemExit) as error:
        sys.exit(one_line(error))


CHECKS = (
    Check("another-process", "What one process has stored, another one reads.",
          "Hash strings with hashlib and not with hash(), and sort what comes out of a set.", another_process),
)  # fmt: skip
