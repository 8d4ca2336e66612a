"""A Hub of one's own, and scripts that run against it in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .emulator import HubEmulator
from .web import Web, serving


@pytest.fixture
def hub() -> Iterator[HubEmulator]:
    """A Hub without repositories, listening on the loopback interface."""
    with HubEmulator() as emulator:
        yield emulator


@pytest.fixture
def web() -> Iterator[Web]:
    """A mirror of the web without a page, listening on the loopback interface."""
    with serving() as server:
        yield server


@pytest.fixture
def hub_home(tmp_path: Path) -> Path:
    """An empty HF_HOME."""
    folder = tmp_path / "hf-home"
    folder.mkdir()
    return folder


@pytest.fixture
def run_with_hub(hub: HubEmulator, hub_home: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A function that runs Python source in a new process which takes the emulator for the Hub.

    A new process because the clients read HF_* when they are imported. Keywords are environment variables.
    """

    def run(source: str, *, timeout: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", source],
            env=hub.environment(hub_home, **variables),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def harness(
    run_with_hub: Callable[..., subprocess.CompletedProcess[str]], web: Web
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A function that runs the command line in a new process which takes the emulators for the Hub and the web."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        source = f"import sys\nfrom harness.cli.main import main\nsys.exit(main({list(arguments)!r}))"
        return run_with_hub(source, **{"HARNESS_WEB_MIRROR": web.address, **variables})

    return run
