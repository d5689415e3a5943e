"""How to wait: between requests, after a failure, and when the server names a time."""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from watcher.errors import Unreachable

PATIENCE = 10.0
"""The longest `Retry-After`, in seconds, that is waited for inside a call; a longer one is the caller's."""

LONGEST_PAUSE = 6 * 3600.0
"""What a longer `Retry-After` is read as: a server that asks for years has a broken clock."""


class Pace:
    """The pause between two requests to one server, whichever threads send them."""

    def __init__(self, gap: float) -> None:
        self._gap, self._next, self._lock = gap, 0.0, threading.Lock()

    def wait(self, stop: threading.Event) -> None:
        """Wait for this request's turn."""
        if self._gap <= 0:
            return
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
        pause(turn - now, stop)


def pause(seconds: float, stop: threading.Event) -> None:
    """Wait; raise `Unreachable` when `stop` is set before or meanwhile."""
    if stop.wait(seconds) if seconds > 0 else stop.is_set():
        raise Unreachable("stopped")


def backoff(tried: int, base: float) -> float:
    """Return the seconds to wait after `tried` failures: up to 2, 4, then 8 times `base`.

    All of it is chance ("full jitter"), so that watchers which failed together do not come back together.
    """
    return random.uniform(0, base * min(8, 2**tried))  # noqa: S311  # spreads load, guards nothing


def retry_after(text: str | None, *, now: datetime | None = None) -> float | None:
    """Read a `Retry-After` header (RFC 9110 §10.2.3), seconds or a date, as seconds from now.

    It is at most 6 hours, and `None` for one that is missing or says nothing.
    """
    word = (text or "").strip()
    if word.isascii() and word.isdigit():
        # A number too long for int() is long enough.
        return LONGEST_PAUSE if len(word) > 9 else min(float(word), LONGEST_PAUSE)
    try:
        date = parsedate_to_datetime(word)
    except ValueError:
        return None
    seconds = (date.replace(tzinfo=date.tzinfo or UTC) - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), LONGEST_PAUSE)
