"""How many bytes a transfer has received, over all its connections, and how many it will."""

from __future__ import annotations

import threading


class Tally:
    """A count of bytes that threads share."""

    def __init__(self) -> None:
        self._count, self._guard = 0, threading.Lock()
        self.total: int | None = None
        """The bytes of all that is transferred, once somebody has said."""

    @property
    def count(self) -> int:
        """The bytes that were received so far."""
        return self._count

    def add(self, count: int) -> None:
        """Count some more."""
        with self._guard:
            self._count += count

    def reach(self, count: int) -> None:
        """Count on to so many, if they are not counted already."""
        with self._guard:
            self._count = max(self._count, count)
