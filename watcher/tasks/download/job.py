"""One product to bring home, as a value that another process may be handed; and what whoever does it has of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import msgspec

from watcher.archive import Archive
from watcher.core.archive.wishes import Wishes
from watcher.model import Product
from watcher.net import Http
from watcher.store.downloads import Stored, Wanted
from watcher.tasks.download.queue import How
from watcher.transfer import Progress, Rate, Tally

Show = Callable[[str, Progress], None]
"""Is told how far the product of a title is."""


class Job(msgspec.Struct, frozen=True):
    """What is to be brought to which place of which archive, and how; nothing in it is alive.

    `wishes` are what its sites ask for of the product, which is a directory then.
    """

    wanted: Wanted
    product: Product
    place: str
    archive: Archive
    how: How
    wishes: Wishes = ()

    def __repr__(self) -> str:
        return f"Job({self.product.title!r})"


class Own(msgspec.Struct, frozen=True):
    """What is alive: a client, and what is shared with other jobs of this process.

    `rate` is how fast all may be, `spare` has the connections that are left for all of a catalogue beyond one each;
    `tally` counts what is received for this job, `show` is told of its progress.
    """

    http: Callable[[], Http]
    rate: Rate | None
    spare: threading.Semaphore | None
    tally: Tally
    now: Callable[[], datetime]
    show: Show | None
    stop: threading.Event


Carry = Callable[[Job, Own], Stored]
"""Brings a product home, or raises `WatcherError`."""
