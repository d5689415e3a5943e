"""How fast transfers may be together: a limit that threads share, and that may change at any time."""

from __future__ import annotations

import threading
import time

_LOOK = 0.25
"""Seconds after which whoever waits looks again whether it has to stop; so much may also come in one burst."""

_LEAST = 0.001
"""Seconds that are worth waiting."""


class Rate:
    """A limit in bytes a second, over all transfers that have it, for each direction; `None` is none.

    It is a token bucket: what came too soon is waited for afterwards, so that no piece of a body is ever cut.
    """

    def __init__(self, limit: float | None = None) -> None:
        self._comes, self._goes = _Bucket(limit), _Bucket(limit)

    @property
    def limit(self) -> float | None:
        """The limit that holds now, in bytes a second. Setting it lets those who wait reckon anew."""
        return self._comes.limit

    @limit.setter
    def limit(self, limit: float | None) -> None:
        self._comes.change(limit)
        self._goes.change(limit)

    def take(self, count: int, stop: threading.Event) -> float:
        """Note `count` bytes that came, and wait until the limit allows more; returns the seconds waited.

        Ends at once when `stop` is set; the caller sees to that.
        """
        return self._comes.take(count, stop)

    def give(self, count: int, stop: threading.Event) -> float:
        """Note `count` bytes that were sent, and wait as `take` does."""
        return self._goes.take(count, stop)


class _Bucket:
    """One direction."""

    def __init__(self, limit: float | None) -> None:
        self.limit, self._balance, self._at = limit, 0.0, time.monotonic()
        self._news = threading.Condition()

    def change(self, limit: float | None) -> None:
        with self._news:
            self._settle()
            self.limit = limit
            self._news.notify_all()

    def take(self, count: int, stop: threading.Event) -> float:
        with self._news:
            if self.limit is None:
                return 0.0
            self._settle()
            self._balance -= count
            began = time.monotonic()
            while self.limit is not None and self._balance < 0 and not stop.is_set():
                seconds = -self._balance / self.limit if self.limit > 0 else _LOOK
                self._news.wait(max(_LEAST, min(_LOOK, seconds)))
                self._settle()
            return time.monotonic() - began

    def _settle(self) -> None:
        now = time.monotonic()
        if self.limit is None:
            self._balance = 0.0
        else:
            self._balance = min(self._balance + self.limit * (now - self._at), self.limit * _LOOK)
        self._at = now
