"""How far the downloads of a pass are, for whoever asks another process: `watcher status`."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from watcher.store import fetching
from watcher.store.fetching import Going
from watcher.tasks.download.job import Show
from watcher.transfer import Progress

_EVERY = 1.0
"""Seconds between two writings."""


class _Seen(msgspec.Struct):
    """The last progress of a download, and when it was first heard of, at how many bytes."""

    progress: Progress
    since: float
    begun: int


class Board:
    """Hears of progress, as `show` does to which it is handed on, and writes it to a file now and then."""

    def __init__(self, path: Path, show: Show | None) -> None:
        self._path, self._show = path, show
        self._seen: dict[str, _Seen] = {}
        self._guard = threading.Lock()
        self._written = 0.0

    def show(self, title: str, progress: Progress) -> None:
        """Note how far a product is; any thread may say so."""
        with self._guard:
            seen = self._seen.get(title)
            if seen is None or seen.progress.storing != progress.storing or progress.done < seen.begun:
                self._seen[title] = _Seen(progress, time.monotonic(), progress.done)
            else:
                seen.progress = progress
        if self._show is not None:
            self._show(title, progress)

    def end(self, title: str) -> None:
        """Note that a product is no longer under way."""
        with self._guard:
            self._seen.pop(title, None)

    def write(self) -> None:
        """Write what is under way, if it was not just written."""
        moment = time.monotonic()
        if moment - self._written < _EVERY:
            return
        self._written = moment
        with self._guard:
            going = [_going(title, seen, moment) for title, seen in self._seen.items()]
        with suppress(OSError):  # a full disk holds up no download: then others know less
            fetching.put(self._path, going)

    def close(self) -> None:
        """Take the file away."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def _going(title: str, seen: _Seen, moment: float) -> Going:
    came, span = seen.progress.done - seen.begun, moment - seen.since
    rate = came / span if span > 0 else 0.0
    return Going(title, seen.progress.done, seen.progress.total, round(rate), seen.progress.storing)
