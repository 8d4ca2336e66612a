"""What software and machine made a result."""

from __future__ import annotations

import platform
import resource
import sys
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata

from harness import __version__
from harness.results.schema import Provenance

#: Distributions whose version can move a score.
_PACKAGES = (
    "numpy",
    "torch",
    "transformers",
    "tokenizers",
    "sentence-transformers",
    "pytrec-eval-terrier",
    "nltk",
    "ranx",
)


def provenance(source_revision: str | None) -> Provenance:
    """The provenance of this process, now."""
    return Provenance(
        harness=__version__,
        python=platform.python_version(),
        platform=platform.platform(terse=True),
        processor=_processor(),
        packages=_versions(),
        source_revision=source_revision,
        written=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def peak_memory() -> int:
    """Peak resident memory of this process in bytes."""
    try:
        with open("/proc/self/status", encoding="utf-8") as stream:
            for line in stream:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    # Second best: on Linux this number survives exec, and so holds the peak of whoever started the process.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """The processor's name where the platform tells it; the architecture elsewhere."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            for line in stream:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
