"""The end of one thing within another."""

from __future__ import annotations

import threading
import time

_TICK = 0.25


class Halt(threading.Event):
    """The end of one pass or transfer: its own, or that of everything. Setting it ends nothing but its own."""

    def __init__(self, everything: threading.Event | None = None) -> None:
        super().__init__()
        self._everything = everything or threading.Event()

    def is_set(self) -> bool:
        """Say whether either has ended."""
        return super().is_set() or self._everything.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for either, at most `timeout` seconds; say whether one has come."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = _TICK if end is None else min(_TICK, end - time.monotonic())
            if left <= 0:
                return False
            super().wait(left)
        return True
