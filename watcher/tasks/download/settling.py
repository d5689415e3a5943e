"""How a download ended is written down, with all that follows from it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from datetime import datetime

import msgspec

from watcher.core.health import CLUSTER, refusal, refused
from watcher.core.patience import DOWNLOAD, ROOM, staging
from watcher.credentials import redact
from watcher.errors import ClusterError, CredentialError, FileRefused, NoSpace, Staged, TransferError, WatcherError
from watcher.model import Product
from watcher.store import alerts, deliveries, downloads, hooks, subscriptions, tapes, volumes
from watcher.store.connection import writing
from watcher.store.downloads import Stored, Wanted
from watcher.tasks.download.queue import Begun


class Brought(msgspec.Struct, frozen=True):
    """How one download ended: the product, and its place in the archive or why it is not there.

    It is `staged` where its provider brings it from tape first: then nothing is wrong, and it is asked for `again`.
    `full` is what to do where it was the archive that did not take it.
    """

    title: str
    catalogue: str
    site: str
    place: str
    stored: Stored | None
    problem: str | None
    again: datetime | None
    staged: bool = False
    full: str | None = None


def settle(
    db: sqlite3.Connection,
    future: Future[Stored],
    begun: Begun,
    home: str,
    owed: Callable[[Product, str], Collection[str]],
    *,
    stop: threading.Event,
    now: datetime,
    chance: float,
) -> Brought | None:
    """Write down how a fetch ended; `None` when it was only interrupted.

    Only what the transfer knows to be in vain is given up at once: people mend accounts and configurations. What the
    archive has no room for is never given up.
    """
    wanted, product, place = begun.wanted, begun.product, begun.place
    error = future.exception()
    if error is None:
        file = future.result()
        with writing(db):
            volumes.spend(db, wanted.catalogue, begun.tally.count, now=now)
            downloads.stored(db, wanted.revision, file, archive=home, now=now)
            deliveries.owe_home(db, wanted.revision, product, subscriptions.audience(db, now=now), now=now)
            for topic in (refusal(wanted.catalogue, downloads=True), CLUSTER):
                alerts.calm(db, topic, now=now)
            hooks.owe(db, wanted.revision, owed(product, wanted.site), now=now)
        return Brought(product.title, wanted.catalogue, wanted.site, place, file, None, None)
    if stop.is_set() or isinstance(error, ClusterError):
        with writing(db):
            volumes.spend(db, wanted.catalogue, begun.tally.count, now=now)
        return None
    if isinstance(error, Staged):
        since = tapes.staging(db, wanted.revision, now=now)
        again = staging(since, now=now, chance=chance, retry_after=error.retry_after)
        problem = redact(str(error))
        with writing(db):
            volumes.spend(db, wanted.catalogue, begun.tally.count, now=now)
            tapes.staged(db, wanted.revision, since=since, problem=problem, again=again)
        return Brought(product.title, wanted.catalogue, wanted.site, place, None, problem, again, staged=True)
    problem, vain, retry_after = f"{type(error).__name__}: {error}", False, None
    if isinstance(error, WatcherError):
        problem = f"{error} [{error.hint}]" if error.hint else str(error)
        vain = error.permanent and isinstance(error, TransferError)
        retry_after = error.retry_after
    problem = redact(problem)  # a server may repeat what it was sent
    if isinstance(error, NoSpace):
        later = ROOM.next_try(1, now=now, chance=chance, retry_after=retry_after)
        with writing(db):
            volumes.spend(db, wanted.catalogue, begun.tally.count, now=now)
            downloads.failed(db, wanted.revision, problem=problem, again=later, now=now, counts=False)
        full = error.hint or problem
        return Brought(product.title, wanted.catalogue, wanted.site, place, None, problem, later, full=full)
    later = None if vain else DOWNLOAD.next_try(wanted.attempts + 1, now=now, chance=chance, retry_after=retry_after)
    with writing(db):
        volumes.spend(db, wanted.catalogue, begun.tally.count, now=now)
        blamed = isinstance(error, CredentialError) and not _only(db, wanted, error)
        downloads.failed(db, wanted.revision, problem=problem, again=later, now=now)
        alerts.calm(db, CLUSTER, now=now)
        if blamed:
            alerts.warn(db, refused(wanted.catalogue, problem, downloads=True), now=now)
    return Brought(product.title, wanted.catalogue, wanted.site, place, None, problem, later)


def _only(db: sqlite3.Connection, wanted: Wanted, error: CredentialError) -> bool:
    """Say whether a refusal may be of one product only: it is the first, or others have come home in between.

    Were the account blamed for each, whoever may not have one collection would hear again and again that it cannot be
    used, and with the next product that it can.
    """
    if not isinstance(error, FileRefused) or not wanted.attempts:
        return isinstance(error, FileRefused)
    return downloads.came_since(db, wanted.revision, tried=lambda due: DOWNLOAD.tried(wanted.attempts, due=due))
