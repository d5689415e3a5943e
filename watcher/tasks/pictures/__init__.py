"""The quicklooks that notices show: from the album, or fetched and drawn anew, in a few seconds for all.

A picture is worth a moment of waiting, not more: what is late, broken, not of the catalogue's hosts or no picture is
left out, and the notice goes without it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.core.notices import LARGEST, Shot
from watcher.errors import WatcherError
from watcher.tasks.pictures.album import Album
from watcher.tasks.pictures.painter import Painter, Unpaintable

if TYPE_CHECKING:
    from watcher.net import Http

__all__ = ["LIMIT", "SECONDS", "Painter", "pictures"]

SECONDS = 4.0
"""The time that all pictures of a pass have together."""

LIMIT = 4 * 2**20
"""Bytes; a larger quicklook is not read."""

_SLOW = 2.0
"""Seconds that one may take to decode."""

_SIDE_BY_SIDE = 3

_TICK = 0.1


def pictures(
    shots: Iterable[Shot],
    http: Callable[[str], Http],
    directory: Path,
    *,
    stop: threading.Event,
    left_out: Callable[[Shot, str], None],
    seconds: float = SECONDS,
) -> dict[Shot, bytes]:
    """Return what pictures of these can be had, as JPEG; those that matter most come first.

    `http` gives the client of a catalogue, `directory` is where small pictures are kept; `left_out` is told why one is
    missing. Ends after `seconds`, or when `stop` is set, with those that are there.
    """
    album, found, wanted = Album(directory), dict[Shot, bytes](), list[Shot]()
    for shot in dict.fromkeys(shots):
        picture = album.look(shot)
        if picture:
            found[shot] = picture
        elif picture is None:
            wanted.append(shot)
    if wanted and not stop.is_set():
        try:
            _fetch(wanted, http, album, found, stop=stop, left_out=left_out, until=time.monotonic() + seconds)
        except RuntimeError as error:  # no thread is to be had, on a machine that is full
            left_out(wanted[0], f"no quicklook can be fetched now: {error}")
        album.thin()
    return found


def _fetch(
    wanted: list[Shot],
    http: Callable[[str], Http],
    album: Album,
    found: dict[Shot, bytes],
    *,
    stop: threading.Event,
    left_out: Callable[[Shot, str], None],
    until: float,
) -> None:
    """Fetch side by side, and draw each as it comes, until the time is over."""
    over = threading.Event()
    waiting = deque(wanted)
    asked: dict[Future[bytes], Shot] = {}

    def fetch(shot: Shot) -> bytes:
        seconds = max(0.0, until - time.monotonic())
        return bytes(http(shot.catalogue).glance(shot.url, limit=LIMIT, seconds=seconds, stop=over).body)

    def settle(shot: Shot, future: Future[bytes]) -> None:
        try:
            picture = painter.draw(future.result(), seconds=min(_SLOW, until + 0.5 - time.monotonic()))
        except (WatcherError, Unpaintable) as error:
            left_out(shot, str(error))
            if error.permanent:
                album.keep(shot, b"")
        else:
            found[shot] = picture
            album.keep(shot, picture)

    pool = ThreadPoolExecutor(_SIDE_BY_SIDE, "quicklook")
    with Painter(largest=LARGEST) as painter:
        try:
            while (asked or waiting) and time.monotonic() < until and not stop.is_set():
                while waiting and len(asked) < _SIDE_BY_SIDE:
                    shot = waiting.popleft()
                    asked[pool.submit(fetch, shot)] = shot
                done, _ = wait(asked, timeout=_TICK, return_when=FIRST_COMPLETED)
                for future in done:
                    shot = asked.pop(future)
                    try:
                        settle(shot, future)
                    except OSError as error:  # of this machine: no process, no disk
                        left_out(shot, str(error))
            for shot in (*asked.values(), *waiting):
                left_out(shot, f"{shot.url} did not come in time")
        finally:
            over.set()  # ends what still waits on the wire, within half a second
            pool.shutdown(cancel_futures=True)
