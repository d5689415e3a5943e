"""One product on its way home: its files, and what is said of them beside them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import PurePosixPath

import msgspec

from watcher.archive import Archive
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
    wanted, product, path = begun.wanted, begun.product, archive.workplace(begun.place)
    if not product.assets:
        raise TransferError(f"{product.title}: the catalogue offers no file of it", permanent=True)
    http = https(wanted.catalogue)

    def tell(progress: Progress) -> None:
        if show is not None:
            show(product.title, progress)

    first, *others = product.assets
    terms, members = how(wanted.catalogue).terms, how(wanted.catalogue).members
    terms = msgspec.structs.replace(terms, tally=begun.tally)
    home: Verified | Gathered
    try:
        if others:
            assets = {file_name(asset): asset for asset in product.assets}
            home = fetch_files(http, assets, path, terms=terms, progress=tell, stop=stop)
        elif members:
            home = fetch_members(http, first, path, members, terms=terms, progress=tell, stop=stop)
        else:
            home = fetch(http, first, path, terms=terms, progress=tell, stop=stop)
    except CatalogueError as error:
        raise TransferError(
            str(error), hint=error.hint, permanent=error.permanent, retry_after=error.retry_after
        ) from error
    files, sidecar = _files(home), None
    if how(wanted.catalogue).sidecar:
        item = stac_item(
            product,
            files,
            catalogue=wanted.catalogue,
            site=wanted.site,
            place=PurePosixPath(begun.place).name,
            stored=now(),
            citation=how(wanted.catalogue).citation,
        )
        sidecar = msgspec.json.format(msgspec.json.encode(item)) + b"\n"
    archive.settle(begun.place, files, sidecar, stop=stop)
    return Stored(
        path=begun.place,
        size=home.size,
        checksum=home.checksum,
        verified=home.how,
        fetched=home.fetched,
        files=files,
    )


def _files(home: Verified | Gathered) -> tuple[File, ...]:
    named = home.files if isinstance(home, Gathered) else {"": home}
    return tuple(File(name, file.size, file.checksum, file.how) for name, file in named.items())
