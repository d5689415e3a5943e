"""One product on its way home: its files, and what is said of them beside them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import PurePosixPath

import msgspec

from watcher.archive import Archive, Lot
from watcher.core.shelves import file_name
from watcher.core.sidecars import File, stac_item
from watcher.errors import CatalogueError, TransferError
from watcher.net import Http
from watcher.store.downloads import Stored
from watcher.tasks.download.queue import Begun, How
from watcher.transfer import Gathered, Progress, Verified, fetch, fetch_files, fetch_members

Show = Callable[[str, Progress], None]


def bring(
    https: Callable[[str], Http],
    begun: Begun,
    *,
    archive: Archive,
    how: Callable[[str], How],
    now: Callable[[], datetime],
    show: Show | None,
    stop: threading.Event,
) -> Stored:
    """Fetch a product's assets: one becomes a file; several, or members of one, a directory.

    Then it is put where it belongs, and what it is is said beside it.
    """
    wanted, product = begun.wanted, begun.product
    if not product.assets:
        raise TransferError(f"{product.title}: the catalogue offers no file of it", permanent=True)
    terms = how(wanted.catalogue)
    lot = Lot(begun.place, tuple(product.assets), tuple(terms.members))

    def tell(progress: Progress) -> None:
        if show is not None:
            show(product.title, progress)

    def stored(done: int, total: int) -> None:
        tell(Progress(done, total, storing=True))

    try:
        found = archive.found(lot, tell=stored, stop=stop)
        home = (
            _fetched(https(wanted.catalogue), lot, begun, archive, terms, tell, stop) if found is None else _home(found)
        )
    except CatalogueError as error:
        raise TransferError(
            str(error), hint=error.hint, permanent=error.permanent, retry_after=error.retry_after
        ) from error
    files, sidecar = _files(home), None
    if terms.sidecar:
        item = stac_item(
            product,
            files,
            catalogue=wanted.catalogue,
            site=wanted.site,
            place=PurePosixPath(begun.place).name,
            stored=now(),
            citation=terms.citation,
        )
        sidecar = msgspec.json.format(msgspec.json.encode(item)) + b"\n"

    moved = archive.settle(lot, files, sidecar, tell=stored, stop=stop)
    return Stored(
        path=begun.place,
        size=home.size,
        checksum=home.checksum,
        verified=home.how,
        fetched=home.fetched,
        files=files,
        moved=moved,
    )


def _fetched(
    http: Http,
    lot: Lot,
    begun: Begun,
    archive: Archive,
    how: How,
    tell: Callable[[Progress], None],
    stop: threading.Event,
) -> Verified | Gathered:
    path, terms = archive.workplace(lot.place), msgspec.structs.replace(how.terms, tally=begun.tally)
    first, *others = lot.assets
    if others:
        assets = {file_name(asset): asset for asset in lot.assets}
        return fetch_files(http, assets, path, terms=terms, progress=tell, stop=stop)
    if lot.members:
        return fetch_members(http, first, path, lot.members, terms=terms, progress=tell, stop=stop)
    return fetch(http, first, path, terms=terms, progress=tell, stop=stop)


def _home(files: tuple[File, ...]) -> Verified | Gathered:
    """Say of files that need not be fetched what is said of those that were."""
    named = {file.name: Verified(file.size, file.checksum, file.how, 0) for file in files}
    return named.get("") or Gathered(named)


def _files(home: Verified | Gathered) -> tuple[File, ...]:
    named = home.files if isinstance(home, Gathered) else {"": home}
    return tuple(File(name, file.size, file.checksum, file.how) for name, file in named.items())
