"""The interpreter, the platform, and where in them we are."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.doctor.finding import Finding

_GROUP = "environment"


def findings() -> Iterator[Finding]:
    """Python, platform, environment, and which `harness` a shell would start."""
    yield Finding(
        _GROUP,
        "python",
        f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})",
        data={"version": platform.python_version(), "executable": sys.executable},
    )
    yield Finding(_GROUP, "platform", platform.platform(terse=True), data={"machine": platform.machine()})
    yield _virtual()
    yield _command()


def _virtual() -> Finding:
    """A virtual environment, a conda environment, or the system's own Python."""
    if sys.prefix != sys.base_prefix:
        kind = "virtual"
    elif (Path(sys.prefix) / "conda-meta").is_dir():
        kind = "conda"
    else:
        return Finding(_GROUP, "prefix", f"{sys.prefix}, no virtual environment", data={"kind": None})
    return Finding(_GROUP, "prefix", f"{sys.prefix}, a {kind} environment", data={"kind": kind})


def _command() -> Finding:
    """The script that a shell finds: it may be that of another environment, or of another project."""
    found = shutil.which("harness")
    data = {"path": found}
    if found is None:
        return Finding(_GROUP, "command", f"no `harness` on PATH; `{sys.executable} -m harness` is the same", data=data)
    # The folder is resolved, and the script is not: in it, a script of the environment may be a link.
    folder = Path(found).parent.resolve()
    ours = {Path(sys.executable).parent.resolve(), Path(sys.prefix, "bin").resolve(), _started_from()}
    if folder not in ours:
        hint = f"A shell starts another `harness` than this one; this one is `{sys.executable} -m harness`."
        return Finding(_GROUP, "command", f"{found}, of another environment", "warning", hint, data)
    return Finding(_GROUP, "command", found, data=data)


def _started_from() -> Path:
    """The folder of the script that was started."""
    return Path(os.path.abspath(sys.argv[0])).parent.resolve()
