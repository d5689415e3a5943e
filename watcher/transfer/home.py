"""Bring an asset to a path: the order of things."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from watcher.core.archive.checksums import checksum
from watcher.errors import TransferError, Unreachable
from watcher.model import Asset
from watcher.net import Http
from watcher.transfer.adopt import adopted, same_as_published, unchanged
from watcher.transfer.errand import Errand, Terms
from watcher.transfer.part import Part, part_of
from watcher.transfer.receive import receive
from watcher.transfer.resume import resumable
from watcher.transfer.verify import Verified, proven

_TELL_EVERY = 0.1


class Progress(msgspec.Struct, frozen=True):
    """How far a download is, in bytes; `total` is `None` when nobody has said.

    `storing` is one that is proven, and on its way into the archive.
    """

    done: int
    total: int | None
    storing: bool = False


def fetch(
    http: Http,
    asset: Asset,
    path: Path,
    *,
    terms: Terms | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Verified:
    """Bring `asset` to `path`; what is there already and is the same file is left alone.

    `progress` is called at most ten times a second. `stop` (the client's own, if not given) ends it within a second.

    Raises `TransferError` when the file is not home (`permanent` when trying again cannot help, `retry_after`
    when the server said so), `Staged` when it has to come from tape first, `NoSpace`, or `CredentialError`. What has
    come is kept as ``<path>.part``, and the next call goes on from there, unless it is known to be wrong.
    """
    stop = stop or http.stop
    errand = Errand(asset, path.name, checksum(asset.checksum), terms or Terms(), told(progress), stop)
    with part_of(path) as part:
        home = adopted(part, errand)
        if home is None:
            with broken(stop):
                home = unchanged(http, part, errand) or _brought(http, part, errand)
    if progress is not None:
        progress(Progress(home.size, home.size))
    return home


def _brought(http: Http, part: Part, errand: Errand) -> Verified:
    kept, fetched = resumable(part, errand), 0
    while True:
        received = receive(http, errand, part, kept)
        fetched += received.count
        try:
            how = proven(part.file, errand, received.digests, sized=received.total is not None)
            break
        except TransferError:
            if errand.stop.is_set():
                raise
            part.truncate()
            if kept is None and not received.several:
                raise
            # The beginning was not of this file, or one stream's bytes were not: once more, all of it, by one.
            kept, errand = None, errand.alone()
    home = Verified(part.size, f"sha256:{received.digests['sha256']}", how, fetched)
    if not part.publish():
        try:
            same_as_published(part, home, errand.stop)
        finally:
            part.truncate()
    return home


@contextmanager
def broken(stop: threading.Event) -> Iterator[None]:
    """Make a `TransferError` of a connection that cannot be made, or breaks, in the ``with`` statement."""
    try:
        yield
    except Unreachable as error:
        if stop.is_set():
            raise TransferError("stopped") from error
        raise TransferError(
            str(error), hint=error.hint, permanent=error.permanent, retry_after=error.retry_after
        ) from error


def told(progress: Callable[[Progress], None] | None) -> Callable[[int, int | None], None]:
    """Return what tells of progress, now and then."""
    last = 0.0

    def tell(done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if progress is not None and now - last >= _TELL_EVERY:
            last = now
            progress(Progress(done, total))

    return tell
