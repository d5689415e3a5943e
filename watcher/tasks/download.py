"""Bring home the products that are wanted: one row each, fetched by a few threads, written down by one."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from pathlib import Path

import msgspec

from watcher.core.patience import DOWNLOAD
from watcher.core.shelves import safe, shelf, suffix
from watcher.errors import CatalogueError, CredentialError, NoSpace, TransferError, WatcherError
from watcher.model import Product
from watcher.net import Http
from watcher.store import downloads, products
from watcher.store.connection import writing
from watcher.store.downloads import Stored, Wanted
from watcher.transfer import Progress, fetch

Show = Callable[[str, Progress], None]


class Brought(msgspec.Struct, frozen=True):
    """How one download ended: the product, and where it lies or why it does not."""

    title: str
    site: str
    path: Path
    stored: Stored | None
    problem: str | None
    again: datetime | None


def download(
    db: sqlite3.Connection,
    https: Callable[[str], Http],
    archive: Path,
    *,
    now: Callable[[], datetime],
    chance: Callable[[], float],
    concurrency: int = 2,
    reserve: int = 0,
    show: Show | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Brought]:
    """Fetch all that is due, at most `concurrency` products at once, and yield each as it ends.

    `https` gives the HTTP client of a catalogue. What `stop` interrupts stays due, and its bytes stay for the next
    pass. A full disk interrupts the pass: other products would not fit either.
    """
    stop = stop or threading.Event()
    queue = downloads.due(db, now=now())
    running: dict[Future[Stored], tuple[Wanted, Product, Path]] = {}
    full = False
    with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="download") as pool:
        try:
            while running or (queue and not full and not stop.is_set()):
                while queue and len(running) < concurrency and not full and not stop.is_set():
                    begun = _begin(db, queue.pop(0), archive, now=now())
                    if begun is None:
                        continue
                    wanted, product, place = begun
                    future = pool.submit(
                        _bring,
                        https,
                        wanted.catalogue,
                        product,
                        archive,
                        place,
                        reserve=reserve,
                        show=show,
                        stop=stop,
                    )
                    running[future] = begun
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    brought = _settle(db, future, *running.pop(future), stop=stop, now=now(), chance=chance())
                    full = full or isinstance(future.exception(), NoSpace)
                    if brought is not None:
                        yield brought
        finally:
            stop_all = [future for future in running if not future.done()]
            if stop_all:
                stop.set()
            for future, begun in running.items():
                wait([future])
                _settle(db, future, *begun, stop=stop, now=now(), chance=chance())


def _begin(
    db: sqlite3.Connection, wanted: Wanted, archive: Path, *, now: datetime
) -> tuple[Wanted, Product, Path] | None:
    _, product = products.one(db, wanted.revision)
    end = suffix(product.assets[0]) if len(product.assets) == 1 else ""
    with writing(db):
        place = downloads.claim(
            db,
            wanted.revision,
            lambda version: f"{shelf(product, site=wanted.site, version=version)}{end}",
            now=now,
        )
    return None if place is None else (wanted, product, archive / place)


def _settle(
    db: sqlite3.Connection,
    future: Future[Stored],
    wanted: Wanted,
    product: Product,
    path: Path,
    *,
    stop: threading.Event,
    now: datetime,
    chance: float,
) -> Brought | None:
    """Write down how a fetch ended; `None` when it was only interrupted."""
    error = future.exception()
    if error is None:
        file = future.result()
        with writing(db):
            downloads.stored(db, wanted.revision, file, now=now)
        return Brought(product.title, wanted.site, path, file, None, None)
    if stop.is_set() or not isinstance(error, WatcherError):
        with writing(db):
            downloads.release(db, wanted.revision)
        if isinstance(error, WatcherError):
            return None
        raise error
    problem = f"{error} [{error.hint}]" if error.hint else str(error)
    again = (
        None
        if error.permanent and not isinstance(error, CredentialError | NoSpace)
        else DOWNLOAD.next_try(wanted.attempts + 1, now=now, chance=chance, retry_after=error.retry_after)
    )
    with writing(db):
        downloads.failed(db, wanted.revision, problem=problem, again=again, now=now)
    return Brought(product.title, wanted.site, path, None, problem, again)


def _bring(
    https: Callable[[str], Http],
    catalogue: str,
    product: Product,
    archive: Path,
    path: Path,
    *,
    reserve: int,
    show: Show | None,
    stop: threading.Event,
) -> Stored:
    """Fetch a product's assets: one becomes a file; several a directory, which has its name only when all are in it."""
    if not product.assets:
        raise TransferError(f"{product.title}: the catalogue offers no file of it", permanent=True)
    http = https(catalogue)
    total = sum(asset.size or 0 for asset in product.assets) or None
    several = len(product.assets) > 1
    gathering = path.with_name(path.name + ".partial") if several else None
    done = fetched = 0
    proofs: list[str] = []
    checksum = ""
    for asset in product.assets:
        before = done

        def tell(progress: Progress, before: int = before) -> None:
            if show is not None:
                show(product.title, Progress(before + progress.done, total or progress.total))

        target = gathering / f"{safe(asset.key)}{suffix(asset)}" if gathering else path
        try:
            verified = fetch(http, asset, target, reserve=reserve, progress=tell, stop=stop)
        except CatalogueError as error:
            raise TransferError(
                str(error), hint=error.hint, permanent=error.permanent, retry_after=error.retry_after
            ) from error
        done += verified.size
        fetched += verified.fetched
        proofs.append(verified.how)
        checksum = verified.checksum
    if gathering:
        gathering.rename(path)
        handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        checksum = ""
    return Stored(
        path=str(path.relative_to(archive)),
        size=done,
        checksum=checksum,
        verified=", ".join(dict.fromkeys(proofs)),
        fetched=fetched,
    )
