"""Let the archive shrink to its limits: what is to leave is marked first, and removed later."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec

from watcher.archive import Archive
from watcher.core.archive.retention import Kept, surplus
from watcher.errors import TransferError
from watcher.store import archive
from watcher.store.archive import Held
from watcher.store.connection import writing

GRACE = timedelta(days=1)
"""Between the mark and the removal, so that somebody may pin what is to stay."""


class Leaving(msgspec.Struct, frozen=True):
    """A product that is to leave, why, and from when on; `removed` when it is gone, else perhaps a `problem`."""

    held: Held
    why: str
    when: datetime
    removed: bool = False
    problem: str | None = None


def leaving(
    db: sqlite3.Connection, home: str, *, keep: timedelta | None, max_size: int | None, now: datetime
) -> list[Leaving]:
    """Return what is to leave the archive `home` by these limits, the oldest first; changes nothing."""
    products = {held.revision: held for held in archive.held(db) if held.archive in (None, home)}
    kept = [Kept(held.revision, held.size, held.stored, held.pinned) for held in products.values()]
    why = surplus(kept, keep=keep, max_size=max_size, now=now)
    return [
        Leaving(products[revision], reason, (products[revision].doomed or now) + GRACE)
        for revision, reason in why.items()
    ]


def tidy(
    db: sqlite3.Connection,
    shelves: Archive,
    *,
    keep: timedelta | None,
    max_size: int | None,
    at_once: bool,
    now: Callable[[], datetime],
    stop: threading.Event,
) -> Iterator[Leaving]:
    """Mark what is to leave, and remove what was marked a day ago, or `at_once` all; yield what is new in that.

    What is to leave no longer, as it was pinned or the limits were raised, loses its mark. A product that a hook is
    owed to stays until that has run. Raises `TransferError` when nothing at all is there, as if no disk were mounted.
    """
    moment = now()
    with writing(db):
        found = leaving(db, shelves.shown(""), keep=keep, max_size=max_size, now=moment)
        archive.doom(db, [one.held.revision for one in found], now=moment)
        busy = archive.busy(db)
    due = [one for one in found if (at_once or one.when <= moment) and one.held.revision not in busy]
    if due:
        shelves.mounted()
    for one in found:
        if one.held.doomed is None and one not in due:
            yield one
    for one in due:
        if stop.is_set():
            return
        try:
            shelves.remove(one.held.path, one.held.files)
        except TransferError as error:
            yield msgspec.structs.replace(one, problem=str(error))
            continue
        with writing(db):
            archive.drop(db, one.held.revision, now=now())
        yield msgspec.structs.replace(one, removed=True)
