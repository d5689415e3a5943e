"""Bring home the products that are wanted: one row each, fetched by a few threads, written down by one."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec

from watcher.core.patience import DOWNLOAD
from watcher.core.shelves import USUAL, Layout, safe, shelf, suffix
from watcher.credentials import redact
from watcher.errors import CatalogueError, CredentialError, NoSpace, TransferError, WatcherError
from watcher.model import Product
from watcher.net import Http
from watcher.store import downloads, products
from watcher.store.connection import writing
from watcher.store.downloads import Stored, Wanted
from watcher.transfer import Progress, fetch

Show = Callable[[str, Progress], None]

_TICK = 0.25


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
    layout: Layout = USUAL,
    now: Callable[[], datetime],
    chance: Callable[[], float],
    concurrency: int = 2,
    reserve: int = 0,
    show: Show | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Brought]:
    """Fetch all that is due, at most `concurrency` products at once, and yield each as it ends.

    The caller sees to it that this is the only pass. `https` gives the HTTP client of a catalogue. What becomes due
    meanwhile is fetched, too. What `stop` interrupts stays due, and its bytes stay for the next pass. A full disk
    interrupts the pass: other products would not fit either. A refused account ends it for its catalogue, so that it is
    not locked by repetition. A defect is raised once the others are home.
    """
    halt = _Halt(stop)
    running: dict[Future[Stored], tuple[Wanted, Product, Path]] = {}
    refused: set[str] = set()
    defects: list[BaseException] = []
    with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="download") as pool:
        try:
            while True:
                while len(running) < concurrency and not halt.is_set():
                    begun = _begin(db, [begun[0] for begun in running.values()], refused, archive, layout, now=now())
                    if begun is None:
                        break
                    work = partial(_bring, https, *begun, archive=archive, reserve=reserve, show=show, stop=halt)
                    running[pool.submit(work)] = begun
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    begun = running.pop(future)
                    error = future.exception()
                    brought = _settle(db, future, *begun, stop=halt, now=now(), chance=chance())
                    if isinstance(error, NoSpace):
                        concurrency = 0
                    elif isinstance(error, CredentialError):
                        refused.add(begun[0].catalogue)
                    elif error is not None and not isinstance(error, WatcherError):
                        defects.append(error)
                    if brought is not None:
                        yield brought
        finally:
            halt.set()
            for future, begun in running.items():
                wait([future])
                _settle(db, future, *begun, stop=halt, now=now(), chance=chance())
    if defects:
        raise defects[0]


class _Halt(threading.Event):
    """The end of one pass: its own, or that of everything. Setting it ends nothing but the pass."""

    def __init__(self, everything: threading.Event | None) -> None:
        super().__init__()
        self._everything = everything or threading.Event()

    def is_set(self) -> bool:
        return super().is_set() or self._everything.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        end = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = _TICK if end is None else min(_TICK, end - time.monotonic())
            if left <= 0:
                return False
            super().wait(left)
        return True


def _begin(
    db: sqlite3.Connection,
    running: Collection[Wanted],
    refused: Collection[str],
    archive: Path,
    layout: Layout,
    *,
    now: datetime,
) -> tuple[Wanted, Product, Path] | None:
    """Choose what to fetch next, and its place; `None` when nothing else is due."""
    busy = {wanted.revision for wanted in running}
    for wanted in downloads.due(db, now=now):
        if wanted.revision in busy or wanted.catalogue in refused:
            continue
        _, product = products.one(db, wanted.revision)
        name = _Named(product, wanted, layout)
        with writing(db):
            place = downloads.shelve(db, wanted.revision, name)
        if place is not None:
            return wanted, product, archive / place
    return None


class _Named(msgspec.Struct, frozen=True):
    """The names that a product may have in the archive, by version."""

    product: Product
    wanted: Wanted
    layout: Layout

    def __call__(self, version: int) -> str:
        end = suffix(self.product.assets[0]) if len(self.product.assets) == 1 else ""
        site, catalogue = self.wanted.site, self.wanted.catalogue
        return f"{shelf(self.product, site=site, catalogue=catalogue, layout=self.layout, version=version)}{end}"


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
    """Write down how a fetch ended; `None` when it was only interrupted.

    Only what the transfer knows to be in vain is given up at once: people mend accounts, disks and configurations.
    """
    error = future.exception()
    if error is None:
        file = future.result()
        with writing(db):
            downloads.stored(db, wanted.revision, file, now=now)
        return Brought(product.title, wanted.site, path, file, None, None)
    if stop.is_set():
        return None
    problem, vain, retry_after = f"{type(error).__name__}: {error}", False, None
    if isinstance(error, WatcherError):
        problem = f"{error} [{error.hint}]" if error.hint else str(error)
        vain = error.permanent and isinstance(error, TransferError) and not isinstance(error, NoSpace)
        retry_after = error.retry_after
    problem = redact(problem)  # a server may repeat what it was sent
    again = None if vain else DOWNLOAD.next_try(wanted.attempts + 1, now=now, chance=chance, retry_after=retry_after)
    with writing(db):
        downloads.failed(db, wanted.revision, problem=problem, again=again, now=now)
    return Brought(product.title, wanted.site, path, None, problem, again)


def _bring(
    https: Callable[[str], Http],
    wanted: Wanted,
    product: Product,
    path: Path,
    *,
    archive: Path,
    reserve: int,
    show: Show | None,
    stop: threading.Event,
) -> Stored:
    """Fetch a product's assets: one becomes a file; several a directory, which has its name only when all are in it.

    A directory that has it already is whole, then, and was left by a crash: its files are checked and kept.
    """
    if not product.assets:
        raise TransferError(f"{product.title}: the catalogue offers no file of it", permanent=True)
    http = https(wanted.catalogue)
    total = sum(asset.size or 0 for asset in product.assets) or None
    there = len(product.assets) > 1 and path.is_dir()
    several = len(product.assets) > 1 and not there
    gathering = path if there else path.with_name(path.name + ".partial") if several else None
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
    if gathering is not None:
        checksum = ""
        if not there:
            _name(gathering, path)
    return Stored(
        path=str(path.relative_to(archive)),
        size=done,
        checksum=checksum,
        verified=", ".join(dict.fromkeys(proofs)),
        fetched=fetched,
    )


def _name(gathering: Path, path: Path) -> None:
    """Give a directory that is whole its name, for good."""
    try:
        gathering.rename(path)
        handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise TransferError(f"{path} cannot be named: {error.strerror or error}") from error
