"""Bring home the products that are wanted: one row each, fetched by a few threads, written down by one."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime
from functools import partial

from msgspec import structs

from watcher.archive import Archive, Disk
from watcher.core.health import idle
from watcher.errors import ClusterError, CredentialError, NoArchive, NoSpace, Staged, TransferError, WatcherError
from watcher.model import Product
from watcher.store import alerts, downloads, products
from watcher.store import archive as shelved
from watcher.store.connection import writing
from watcher.store.downloads import Stored
from watcher.tasks.download.bring import run
from watcher.tasks.download.choosing import chosen, wished
from watcher.tasks.download.job import Carry, Job, Own, Show
from watcher.tasks.download.naming import Names
from watcher.tasks.download.queue import Begun, How, Queue, Rules
from watcher.tasks.download.settling import Brought, settle
from watcher.tasks.download.sources import Sources
from watcher.transfer import Halt, Progress, Tally

__all__ = ["Brought", "How", "Rules", "Show", "Sources", "download", "gone", "run"]

_LOOK = 2.0
"""Seconds after which it is looked again what may begin, and how fast it may go."""


def download(
    db: sqlite3.Connection,
    sources: Sources,
    archive: Archive,
    rules: Rules,
    *,
    now: Callable[[], datetime],
    chance: Callable[[], float],
    owed: Callable[[Product, str], Collection[str]] = lambda product, site: (),  # noqa: ARG005
    steer: Callable[[], None] = lambda: None,
    show: Show | None = None,
    carry: Carry = run,
    stop: threading.Event | None = None,
) -> Iterator[Brought]:
    """Fetch all that is due from `sources` by the `rules`, and yield each as it ends.

    The caller sees to it that this is the only pass. Each product is brought by `carry`, in a thread of its own: here,
    or by a cluster. `owed` names the hooks that a product of a site gets once it is home; `steer` is called every few
    seconds, to set how fast all of them may be. What becomes due meanwhile is fetched, too.

    What `stop` interrupts stays due, and its bytes stay for the next pass. A full disk interrupts the pass: other
    products would not fit either. So does an empty directory that something was stored in: what is written where a
    disk is not mounted fills another one. A refused account ends the pass for its catalogue, so that it is not locked
    by repetition. So does a cluster that cannot fetch: what it had stays due. That, or a defect, is raised once the
    others are home.
    """
    halt = Halt(stop)
    _clear(db, archive)
    home, concurrency = archive.shown(""), rules.concurrency
    empty: NoArchive | None = None
    running: dict[Future[Stored], Begun] = {}
    queue = Queue(db, home, sources.how, rules)
    refused: set[str] = set()
    grave: list[BaseException] = []
    with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="download") as pool:
        try:
            while True:
                while len(running) < concurrency and not halt.is_set():
                    begun = _begin(db, sources, archive, rules, queue, list(running.values()), refused, now=now())
                    if begun is None:
                        break
                    empty = empty or gone(db, archive)
                    job = _job(begun, sources, archive, now, show, halt)
                    running[pool.submit(_carried, carry, sources, empty, *job)] = begun
                if not running:
                    break
                steer()
                for future in wait(running, timeout=_LOOK, return_when=FIRST_COMPLETED).done:
                    begun = running.pop(future)
                    error = future.exception()
                    brought = settle(db, future, begun, home, owed, stop=halt, now=now(), chance=chance())
                    if isinstance(error, NoSpace | ClusterError):
                        concurrency = 0
                    elif isinstance(error, CredentialError):
                        refused.add(begun.wanted.catalogue)
                    busy = {other.place for other in running.values()}
                    _forget(archive, set(downloads.in_vain(db, begun.wanted.revision)) - busy)
                    if error is None:
                        _leave(db, archive)
                    grave += _grave(error, halt)
                    if brought is not None:
                        yield brought
        finally:
            halt.set()
            for future, begun in running.items():
                wait([future])
                settle(db, future, begun, home, owed, stop=halt, now=now(), chance=chance())
    if grave:
        _warn(db, grave[0], now=now())
        raise grave[0]


def gone(db: sqlite3.Connection, archive: Archive) -> NoArchive | None:
    """Return what is wrong where an archive of directories is empty, or not there, in which something was stored."""
    if isinstance(archive, Disk) and shelved.holds(db, archive.shown("")):
        try:
            archive.mounted()
        except TransferError as error:
            return NoArchive(str(error), hint=error.hint)
    return None


def _forget(archive: Archive, places: Collection[str]) -> None:
    """Remove what was begun at places where nothing goes on."""
    for place in places:
        with suppress(TransferError):  # what cannot be removed harms nothing but room
            archive.forget(place)


def _clear(db: sqlite3.Connection, archive: Archive) -> None:
    """Remove what was begun of products that no watch wants any more; later, if that cannot be done now."""
    begun = downloads.unwatched(db)
    if not begun or gone(db, archive) is not None:
        return
    for revision, place in begun.items():
        try:
            archive.forget(place)
        except TransferError:  # another process is at it, perhaps; it harms nothing but room
            continue
        with writing(db):
            downloads.unshelve(db, revision)


def _leave(db: sqlite3.Connection, archive: Archive) -> None:
    """Remove the files that products which were wanted anew no longer have; not what an earlier archive holds."""
    for was in shelved.left_behind(db):
        try:
            if was.archive in (None, archive.shown("")):
                archive.withdraw(was.path, was.files, moved=was.moved)
        except TransferError:  # it is tried again once the next product is home, and harms nothing but room
            continue
        with writing(db):
            shelved.left(db, was.revision)


def _carried(carry: Carry, sources: Sources, empty: NoArchive | None, job: Job, own: Own) -> Stored:
    """Bring a product home. One that was ordered is asked about first: some providers count each try to fetch it."""
    if empty is not None:
        raise empty
    wanted = job.wanted
    if wanted.staged and sources.at_hand(wanted.catalogue, job.product) is False:
        raise Staged(f"{wanted.catalogue} says that the file is on tape, and not back yet")
    return carry(chosen(job, sources.choose), own)


def _grave(error: BaseException | None, stop: threading.Event) -> list[BaseException]:
    """Return what is not about one product; that a cluster fails of which nothing is wanted any more is nothing."""
    if error is None or (isinstance(error, ClusterError) and stop.is_set()):
        return []
    return [error] if isinstance(error, ClusterError) or not isinstance(error, WatcherError) else []


def _warn(db: sqlite3.Connection, error: BaseException, *, now: datetime) -> None:
    if isinstance(error, ClusterError):
        with writing(db):
            alerts.warn(db, idle(str(error)), now=now)


def _job(
    begun: Begun,
    sources: Sources,
    archive: Archive,
    now: Callable[[], datetime],
    show: Show | None,
    stop: threading.Event,
) -> tuple[Job, Own]:
    """Say what is to be done, and with what of ours."""
    wanted, terms = begun.wanted, sources.how(begun.wanted.catalogue)
    own = Own(
        http=partial(sources.http, wanted.catalogue),
        rate=terms.terms.rate,
        spare=terms.terms.spare,
        tally=begun.tally,
        now=now,
        show=partial(_told, begun.tally, show),
        stop=stop,
    )
    apart = structs.replace(terms, terms=structs.replace(terms.terms, rate=None, spare=None, tally=None))
    return Job(wanted, begun.product, begun.place, archive, apart, begun.wishes), own


def _told(tally: Tally, show: Show | None, title: str, progress: Progress) -> None:
    tally.total = progress.total
    if show is not None:
        show(title, progress)


def _begin(
    db: sqlite3.Connection,
    sources: Sources,
    archive: Archive,
    rules: Rules,
    queue: Queue,
    running: Collection[Begun],
    refused: Collection[str],
    *,
    now: datetime,
) -> Begun | None:
    """Choose what to fetch next, and its place; `None` when nothing else may begin."""
    for wanted in queue.next(running, refused, now=now):
        _, product = products.one(db, wanted.revision)
        name = Names(rules.layout, sources.how, product, wanted, wished(db, wanted, product, rules.levels))
        before = downloads.place(db, wanted.revision)
        with writing(db):
            place = downloads.shelve(db, wanted.revision, name, fits=name.fits)
        if place is not None:
            if before is not None and before != place:
                _forget(archive, [before])
            return Begun(wanted, product, place, Tally(), name.wishes)
    return None
