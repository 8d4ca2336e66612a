"""All groups, in the order in which a person reads them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from harness.doctor import environment, hardware, packages, plugins, settings, storage
from harness.doctor.finding import Finding
from harness.plugins.manager import Registry


def examine(
    registry: Registry, *, torch: bool = False, distributions: Iterable[metadata.Distribution] | None = None
) -> list[Finding]:
    """Look at everything. `torch` imports torch, in another process, to ask it for devices.

    `distributions` are the installed ones when None.
    """
    installed = list(metadata.distributions() if distributions is None else distributions)
    return [
        *environment.findings(),
        *hardware.findings(torch=torch),
        *packages.findings(installed),
        *plugins.findings(registry, installed),
        *storage.findings(),
        *settings.findings(),
    ]
