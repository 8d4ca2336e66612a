"""How far apart answers are, and what counts as reaching for the network."""

from __future__ import annotations

import socket
import urllib.request

import numpy as np
import pytest

from harness.testing.checks.compare import furthest, furthest_of, scattered
from harness.testing.checks.safety import NetworkUsed, no_network


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ([1.0, 0.5], [1.0, 0.5], 0.0),
        ([1.0, 0.5], [1.0, 0.25], 0.25),
        ([100.0, 50.0], [100.0, 51.0], 0.01),
        ([0.001], [0.002], 0.001),
        ([], [], 0.0),
        ([1.0], [1.0, 2.0], np.inf),
        ([np.nan, 1.0], [np.nan, 1.0], 0.0),
        ([-np.inf, 1.0], [-np.inf, 1.0], 0.0),
        ([-np.inf, 1.0], [0.5, 1.0], np.inf),
        ([[1.0], [2.0]], [[1.0], [4.0]], 0.5),
    ],
)
def test_furthest(left: list[float], right: list[float], expected: float) -> None:
    """Absolute up to 1, relative to the largest value above it; other shapes and missing values are infinitely far."""
    assert furthest(np.array(left), np.array(right)) == pytest.approx(expected)
    assert furthest(np.array(right), np.array(left)) == pytest.approx(expected)


def test_furthest_of_several() -> None:
    """The largest counts."""
    assert furthest_of([np.zeros(2), np.ones(1)], [np.zeros(2), np.full(1, 0.5)]) == 0.5


def test_scattered() -> None:
    """Scores stand under the passage they belong to; what was not returned is −inf."""
    positions, scores = np.array([[2, 0, -1], [-1, -1, -1]]), np.array([[3.0, 1.0, 9.0], [9.0, 9.0, 9.0]])
    inf = np.inf
    np.testing.assert_array_equal(scattered((positions, scores), 4), [[1, -inf, 3, -inf], [-inf] * 4])
    for wrong in (np.array([[4]]), np.array([[-2]])):
        with pytest.raises(AssertionError, match="for 4 passages"):
            scattered((wrong, np.ones((1, 1))), 4)
    with pytest.raises(AssertionError, match="returned shapes"):
        scattered((np.zeros((1, 2), int), np.ones((1, 3))), 4)


def test_no_network_refuses_and_remembers() -> None:
    """Connections and look-ups raise, loopback included, and are listed; afterwards sockets are as they were."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo
    with no_network() as attempts, socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
        for attempt in (
            lambda: stream.connect(("127.0.0.1", 9)),
            lambda: stream.connect_ex(("127.0.0.1", 9)),
            lambda: datagram.sendto(b"x", ("127.0.0.1", 9)),
            lambda: socket.getaddrinfo("localhost", 80),
            lambda: socket.create_connection(("localhost", 80)),
            lambda: urllib.request.urlopen("http://localhost:9/", timeout=1),
        ):
            with pytest.raises(NetworkUsed):
                attempt()
        assert len(attempts) == 6
    assert socket.socket.connect is connect and socket.getaddrinfo is look_up


@pytest.mark.parametrize("send", ["send", "sendall", "sendmsg"])
def test_a_connection_that_was_kept_is_refused_too(send: str) -> None:
    """A client that connected while it was loaded sends nothing over that connection, and what it would is not told."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as kept:
        data = [b"secret"] if send == "sendmsg" else b"secret"
        with no_network() as attempts, pytest.raises(NetworkUsed):
            getattr(kept, send)(data)
        assert attempts == [send]
        getattr(kept, send)(data)
        accepted, _ = server.accept()
        with accepted:
            assert accepted.recv(99) == b"secret"


def test_sockets_within_the_machine_go_on() -> None:
    """Worker processes talk over pairs of sockets, which is no network."""
    with no_network() as attempts:
        left, right = socket.socketpair()
        with left, right:
            left.sendall(b"x")
            assert right.recv(1) == b"x"
    assert attempts == []
