"""A dead man's switch: an address that is called while all is well, so that whoever waits for it notices silence."""

from __future__ import annotations

import threading
import time

import msgspec

from watcher.credentials import redact
from watcher.errors import WatcherError
from watcher.net.client import Http

_DEADLINE = 5.0
"""Seconds for one answer."""

_APART = 60.0
"""Seconds between two calls, at least, however often a catalogue is asked."""


class Beat(msgspec.Struct, frozen=True):
    """How a call went: the `problem`, if there was one, and whether that has `changed` since the last call."""

    problem: str | None
    changed: bool


class Heartbeat:
    """Calls `url`, by GET. Raises `ConfigError` when that is no address that can be called."""

    def __init__(self, url: str, *, stop: threading.Event | None = None) -> None:
        self._url = url
        self._http = Http(origin=url, deadline=_DEADLINE, connections=1, stop=stop)
        self._last: float | None = None
        self._well = True
        self._guard = threading.Lock()

    def beat(self) -> Beat | None:
        """Call, unless that was just done, or is being done (`None`). Raises nothing."""
        if not self._guard.acquire(blocking=False):
            return None
        try:
            moment = time.monotonic()
            if self._last is not None and moment - self._last < _APART:
                return None
            self._last = moment
            problem = None
            try:
                self._http.get(self._url)
            except WatcherError as error:
                problem = redact(str(error))
            changed, self._well = self._well != (problem is None), problem is None
            return Beat(problem, changed)
        finally:
            self._guard.release()

    def close(self) -> None:
        """Close its connection."""
        self._http.close()
