"""Bring home what a cart names: each file whole and verified, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import msgspec

from watcher.core.carts import File
from watcher.errors import NoSpace, TransferError, WatcherError
from watcher.model import Asset
from watcher.net import Http
from watcher.transfer import Progress, Verified, fetch

Show = Callable[[str, Progress], None]


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
    reserve: int,
    show: Show | None = None,
    stop: threading.Event,
) -> Iterator[Brought]:
    """Fetch the files into a folder, `concurrency` at a time, and yield each as it ends.

    `https` gives the HTTP client for an address. What is there already and is the same file is left alone; what was
    begun goes on from there. A file is asked for at each of its addresses in turn. A full disk ends the pass, for the
    others would not fit either. A defect is raised once the others are home.
    """
    full = threading.Event()

    def one(file: File) -> Brought | None:
        path = folder / file.name
        if stop.is_set() or full.is_set():
            return None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return Brought(file, path, _fetched(file, path, https, reserve, show, stop), None)
        except OSError as error:
            return Brought(file, path, None, TransferError(f"{path.parent} cannot be made: {error.strerror}"))
        except WatcherError as error:
            if isinstance(error, NoSpace):
                full.set()
            return None if stop.is_set() else Brought(file, path, None, error)

    with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="cart") as pool:
        for ended in as_completed([pool.submit(one, file) for file in files]):
            brought = ended.result()
            if brought is not None:
                yield brought


def _fetched(
    file: File, path: Path, https: Callable[[str], Http], reserve: int, show: Show | None, stop: threading.Event
) -> Verified:
    def tell(progress: Progress) -> None:
        if show is not None:
            show(file.name, progress)

    for url in file.urls[:-1]:
        try:
            return _from(url, file, path, https, reserve, tell, stop)
        except NoSpace:
            raise
        except WatcherError:
            if stop.is_set():
                raise  # the last address is no better then
    return _from(file.urls[-1], file, path, https, reserve, tell, stop)


def _from(
    url: str,
    file: File,
    path: Path,
    https: Callable[[str], Http],
    reserve: int,
    tell: Callable[[Progress], None],
    stop: threading.Event,
) -> Verified:
    asset = Asset("product", url, size=file.size, checksum=file.checksum)
    return fetch(https(url), asset, path, reserve=reserve, progress=tell, stop=stop)
