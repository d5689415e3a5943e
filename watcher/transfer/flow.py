"""One stream of a transfer while it runs: neither too slow, nor too fast, nor on when told to stop."""

from __future__ import annotations

import threading
import time

from watcher.errors import TransferError
from watcher.transfer import space
from watcher.transfer.errand import Terms
from watcher.transfer.part import Part

SLOWEST = 1024
"""Bytes a second: what is slower, over the patience of the caller, counts as stalled."""


class Flow:
    """Watches what comes from `place`."""

    def __init__(self, terms: Terms, part: Part, place: str, stop: threading.Event) -> None:
        self._terms, self._part, self._place, self._stop = terms, part, place, stop
        self._window, self._seen, self._unlooked = time.monotonic(), 0, 0

    def passed(self, count: int) -> None:
        """Note `count` bytes that were written, and wait where they came faster than allowed.

        Raises `TransferError` for a server that has stalled, or when told to stop, and `NoSpace` when the reserve is
        touched.
        """
        self._seen += count
        self._unlooked += count
        if self._terms.tally is not None:
            self._terms.tally.add(count)
        if self._unlooked >= space.STRIDE:
            space.leave(self._part, self._terms.reserve)
            space.settle(self._part)
            self._unlooked = 0
        if self._terms.rate is not None:
            self._window += self._terms.rate.take(count, self._stop)  # which is not the server's fault
        span = time.monotonic() - self._window
        if span >= self._terms.patience:
            if self._seen < SLOWEST * span:
                raise TransferError(f"{self._place} has stalled: {self._seen} bytes in {span:.0f} s")
            self._window, self._seen = time.monotonic(), 0
        if self._stop.is_set():
            raise TransferError("stopped")
