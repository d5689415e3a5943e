"""How fast transfers may be together: a limit that threads share, and that may change at any time."""

from __future__ import annotations

import threading
import time

_LOOK = 0.25
"""Seconds after which whoever waits looks again whether it has to stop; so much may also come in one burst."""

_LEAST = 0.001
"""Seconds that are worth waiting."""


class Rate:
    """A limit in bytes a second, over all transfers that have it; `None` is none.

    It is a token bucket: what came too soon is waited for afterwards, so that no piece of a body is ever cut.
    """

    def __init__(self, limit: float | None = None) -> None:
        self._limit, self._balance, self._at = limit, 0.0, time.monotonic()
        self._news = threading.Condition()

    @property
    def limit(self) -> float | None:
        """The limit that holds now, in bytes a second. Setting it lets those who wait reckon anew."""
        return self._limit

    @limit.setter
    def limit(self, limit: float | None) -> None:
        with self._news:
            self._settle()
            self._limit = limit
            self._news.notify_all()

    def take(self, count: int, stop: threading.Event) -> float:
        """Note `count` bytes that came, and wait until the limit allows more; returns the seconds waited.

        Ends at once when `stop` is set; the caller sees to that.
        """
        with self._news:
            if self._limit is None:
                return 0.0
            self._settle()
            self._balance -= count
            began = time.monotonic()
            while self._limit is not None and self._balance < 0 and not stop.is_set():
                seconds = -self._balance / self._limit if self._limit > 0 else _LOOK
                self._news.wait(max(_LEAST, min(_LOOK, seconds)))
                self._settle()
            return time.monotonic() - began

    def _settle(self) -> None:
        now = time.monotonic()
        if self._limit is None:
            self._balance = 0.0
        else:
            self._balance = min(self._balance + self._limit * (now - self._at), self._limit * _LOOK)
        self._at = now
