"""Bring an asset to a path: the order of things."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from watcher.errors import TransferError, Unreachable
from watcher.model import Asset
from watcher.net import Http
from watcher.transfer.errand import Errand
from watcher.transfer.part import Part, part_of
from watcher.transfer.receive import receive, resumable
from watcher.transfer.sums import checksum
from watcher.transfer.verify import Verified, adopted, proven, same_as_published

_TELL_EVERY = 0.1


class Progress(msgspec.Struct, frozen=True):
    """How far a download is, in bytes; `total` is `None` when nobody has said."""

    done: int
    total: int | None


def fetch(
    http: Http,
    asset: Asset,
    path: Path,
    *,
    reserve: int = 0,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    patience: float = 60.0,
) -> Verified:
    """Bring `asset` to `path`; what is there already and is the same file is left alone.

    `reserve` is the free space to leave on the disk, in bytes. `progress` is called at most ten times a
    second. `stop` (the client's own, if not given) ends it within a second; `patience` is the time, in
    seconds, over which a server that sends less than 1 KiB a second is given up.

    Raises `TransferError` when the file is not home (`permanent` when trying again cannot help, `retry_after`
    when the server said so), `NoSpace`, or `CredentialError`. What has come is kept as ``<path>.part``, and
    the next call goes on from there, unless it is known to be wrong.
    """
    stop = stop or http.stop
    errand = Errand(asset, path.name, checksum(asset.checksum), reserve, patience, _told(progress), stop)
    with part_of(path) as part:
        home = adopted(part, errand)
        if home is None:
            home = _brought(http, part, errand)
    if progress is not None:
        progress(Progress(home.size, home.size))
    return home


def _brought(http: Http, part: Part, errand: Errand) -> Verified:
    record, fetched = resumable(part, errand), 0
    while True:
        try:
            received = receive(http, errand, part, record)
        except Unreachable as error:
            if errand.stop.is_set():
                raise TransferError("stopped") from error
            raise TransferError(
                str(error), hint=error.hint, permanent=error.permanent, retry_after=error.retry_after
            ) from error
        fetched += received.count
        try:
            how = proven(part.file, errand, received.digests, sized=received.total is not None)
            break
        except TransferError:
            if errand.stop.is_set():
                raise
            part.truncate()
            if record is None:
                raise
            record = None  # the beginning was not of this file: once more, all of it
    home = Verified(part.size, f"sha256:{received.digests['sha256']}", how, fetched)
    if not part.publish():
        try:
            same_as_published(part, home, errand.stop)
        finally:
            part.truncate()
    return home


def _told(progress: Callable[[Progress], None] | None) -> Callable[[int, int | None], None]:
    last = 0.0

    def tell(done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if progress is not None and now - last >= _TELL_EVERY:
            last = now
            progress(Progress(done, total))

    return tell
