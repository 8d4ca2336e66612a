"""Keeping to a limit per minute, for requests and for tokens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """Spreads spending over time: what is taken is paid back at `per_minute` / 60 a second.

    A limit of None never waits. `burst` seconds' worth may be taken at once, so that a first batch need not wait.
    """

    def __init__(
        self,
        per_minute: float | None,
        *,
        burst: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = None if per_minute is None else per_minute / 60
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = clock() - burst

    def take(self, amount: float) -> None:
        """Wait until `amount` may be spent. Callers are served in the order in which they come."""
        if self._rate is None:
            return
        with self._lock:
            start = max(self._free_at, self._clock() - self._burst)
            self._free_at = start + amount / self._rate
            pause = start - self._clock()
        if pause > 0:
            self._sleep(pause)
