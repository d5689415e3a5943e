"""Bring home what a cart names: each file whole and verified, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import msgspec

from watcher.core.carts import File, secrets_of
from watcher.credentials import remembered_for_now
from watcher.errors import NoSpace, TransferError, WatcherError
from watcher.model import Asset
from watcher.net import Http
from watcher.transfer import Progress, Terms, Verified, fetch

Show = Callable[[str, Progress], None]

_LOOK = 2.0
"""Seconds after which it is looked again how fast all may be."""


class Brought(msgspec.Struct, frozen=True):
    """How one file of a cart ended: where it is now, or why it is not."""

    file: File
    path: Path
    verified: Verified | None
    problem: WatcherError | None


def bring(
    files: Sequence[File],
    https: Callable[[str], Http],
    folder: Path,
    *,
    concurrency: int,
    terms: Callable[[str], Terms],
    steer: Callable[[], None] = lambda: None,
    show: Show | None = None,
    stop: threading.Event,
) -> Iterator[Brought]:
    """Fetch the files into a folder, `concurrency` at a time, and yield each as it ends.

    `https` gives the HTTP client for an address, `terms` those on which it is asked; `steer` is called every few
    seconds, to set how fast all may be. What is there already and is the same file is left alone; what was begun goes
    on from there. A file is asked for at each of its addresses in turn, and what is secret in them is not told. A full
    disk ends the pass, for the others would not fit either. A defect is raised once the others are home.
    """
    full = threading.Event()

    def one(file: File) -> Brought | None:
        path = folder / file.name
        for secret in (secret for url in file.urls for secret in secrets_of(url)):
            remembered_for_now(secret)
        if stop.is_set() or full.is_set():
            return None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return Brought(file, path, _fetched(file, path, https, terms, show, stop), None)
        except OSError as error:
            return Brought(file, path, None, TransferError(f"{path.parent} cannot be made: {error.strerror}"))
        except WatcherError as error:
            if isinstance(error, NoSpace):
                full.set()
            return None if stop.is_set() else Brought(file, path, None, error)

    with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="cart") as pool:
        running = {pool.submit(one, file) for file in files}
        while running:
            ended, running = wait(running, timeout=_LOOK, return_when=FIRST_COMPLETED)
            yield from (brought for future in ended if (brought := future.result()) is not None)
            steer()


def _fetched(
    file: File,
    path: Path,
    https: Callable[[str], Http],
    terms: Callable[[str], Terms],
    show: Show | None,
    stop: threading.Event,
) -> Verified:
    def tell(progress: Progress) -> None:
        if show is not None:
            show(file.name, progress)

    for url in file.urls[:-1]:
        try:
            return _from(url, file, path, https, terms, tell, stop)
        except NoSpace:
            raise
        except WatcherError:
            if stop.is_set():
                raise  # the last address is no better then
    return _from(file.urls[-1], file, path, https, terms, tell, stop)


def _from(
    url: str,
    file: File,
    path: Path,
    https: Callable[[str], Http],
    terms: Callable[[str], Terms],
    tell: Callable[[Progress], None],
    stop: threading.Event,
) -> Verified:
    asset = Asset("product", url, size=file.size, checksum=file.checksum)
    return fetch(https(url), asset, path, terms=terms(url), progress=tell, stop=stop)
