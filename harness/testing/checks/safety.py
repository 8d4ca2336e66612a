"""Checks of what a model must not do: talk to the network once it is loaded, and unpickle."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from harness.errors import UsageError
from harness.testing.checks.folders import copied_model, replace_by_pickles
from harness.testing.checks.model import Check
from harness.testing.checks.subject import Subject
from harness.testing.checks.texts import PLAIN

#: Methods of a socket that reach out: to the address that is their last argument, and over a connection that is there.
_ADDRESSED = ("connect", "connect_ex", "sendto")
_CONNECTED = ("send", "sendall", "sendmsg", "sendfile")


class NetworkUsed(RuntimeError):
    """Raised at an attempt to reach another machine or a port of this one.

    No OSError: whoever tries again after one would wait for nothing.
    """


@contextmanager
def no_network() -> Iterator[list[str]]:
    """Python's sockets refuse to connect, to send, and to resolve names; the list holds what was attempted.

    That holds for connections that were opened before, too. What was to be sent is not told: it may hold a key. Sockets
    within this machine's file system (AF_UNIX), which worker processes use, go on. Extension modules that bring their
    own sockets are not seen.
    """
    attempts: list[str] = []

    def guarded(kind: type[socket.socket], name: str) -> Any:
        real = getattr(kind, name)

        def refuse(self: socket.socket, *args: Any) -> Any:
            if self.family not in (socket.AF_INET, socket.AF_INET6):
                return real(self, *args)
            attempts.append(f"{name} {args[-1]!r}" if name in _ADDRESSED else name)
            raise NetworkUsed(attempts[-1])

        return mock.patch.object(kind, name, refuse)

    def resolve(host: Any, *args: Any, **more: Any) -> Any:
        attempts.append(f"look up {host!r}")
        raise NetworkUsed(attempts[-1])

    with ExitStack() as guards:
        for kind in (socket.socket, ssl.SSLSocket):
            for name in (*_ADDRESSED, *_CONNECTED):
                guards.enter_context(guarded(kind, name))
        for name in ("getaddrinfo", "gethostbyname"):
            guards.enter_context(mock.patch.object(socket, name, resolve))
        yield attempts


def network(subject: Subject) -> None:
    """A model that was just loaded answers without a connection, not even to this machine."""
    model = subject.load()
    with no_network() as attempts:
        try:
            subject.ask(model, PLAIN)
        except Exception as error:
            assert attempts, f"{type(error).__name__}: {error}"
    assert not attempts, f"the network was used: {attempts[0]}"


def pickles(subject: Subject) -> None:
    """A copy of the model's folder whose weights are pickles is refused, and nothing is unpickled."""
    with copied_model(subject) as (option, folder), TemporaryDirectory(prefix="harness-check-") as root:
        trace = Path(root) / "unpickled"
        replace_by_pickles(folder, trace)
        refused = False
        try:
            subject.load(**{option: str(folder)})
        except UsageError:
            refused = True
        assert not trace.exists(), "a pickle was loaded, and the code that it named was run"
        assert refused, "a folder with pickled weights alone was loaded"


CHECKS = (
    Check("no-network", "A run must work where there is no network, and send no text anywhere.",
          "Fetch everything in the factory, or declare the failure with what the encoder needs.", network),
    Check("pickles", "Unpickling runs whatever code the file holds.",
          "Load safetensors alone, and raise UsageError for anything else.", pickles),
)  # fmt: skip
