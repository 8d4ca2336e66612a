"""A server of one's own for every test, and no key from the caller's environment."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_SPEC = importlib.util.spec_from_file_location("openai_compatible_loopback", Path(__file__).with_name("loopback.py"))
assert _SPEC and _SPEC.loader
loopback = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(loopback)


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., Any]]:
    """A function that starts a server; see `loopback.Server`."""
    running: list[Any] = []

    def start(*arguments: Any, **options: Any) -> Any:
        running.append(loopback.Server(*arguments, **options))
        return running[-1]

    yield start
    for server in running:
        server.close()


@pytest.fixture(scope="session")
def vector() -> Callable[[str, int], list[float]]:
    """The vector that the server gives a text."""
    return loopback.vector  # type: ignore[no-any-return]
