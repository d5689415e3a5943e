"""One product on its way home: its files, and what is said of them beside them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from watcher.archive import Lot
from watcher.core.archive.shelves import file_name
from watcher.core.archive.sidecars import File, sidecar
from watcher.errors import CatalogueError, TransferError
from watcher.store.downloads import Stored
from watcher.tasks.download.job import Job, Own
from watcher.transfer import Gathered, Progress, Verified, fetch, fetch_files, fetch_members


def run(job: Job, own: Own) -> Stored:
    """Bring a product home in this thread: one asset becomes a file; several, or what was chosen of it, a directory.

    Then it is put where it belongs, and what it is is said beside it.
    """
    wanted, product, terms, archive = job.wanted, job.product, job.how, job.archive
    if not product.assets:
        raise TransferError(
            "no file of it is chosen, or its catalogue offers none",
            hint=f"`assets` in [catalogues.{wanted.catalogue}] chooses, or `watcher download PRODUCT --assets …`;"
            f" `watcher catalogues {wanted.catalogue}` says what there is",
            permanent=True,
        )
    lot = Lot(job.place, tuple(product.assets), tuple(terms.members), directory=bool(job.wishes))

    def tell(progress: Progress) -> None:
        if own.show is not None:
            own.show(product.title, progress)

    def stored(done: int, total: int) -> None:
        tell(Progress(done, total, storing=True))

    try:
        found = archive.found(lot, tell=stored, stop=own.stop, rate=own.rate)
        home = _fetched(job, own, lot, tell) if found is None else _home(found)
    except CatalogueError as error:
        raise TransferError(
            str(error), hint=error.hint, permanent=error.permanent, retry_after=error.retry_after
        ) from error
    files, beside = _files(home), None
    if terms.sidecar:
        beside = sidecar(
            product,
            files,
            catalogue=wanted.catalogue,
            site=wanted.site,
            place=job.place,
            stored=own.now(),
            citation=terms.citation,
        )
    moved = archive.settle(lot, files, beside, tell=stored, stop=own.stop, rate=own.rate)
    return Stored(
        path=job.place,
        size=home.size,
        checksum=home.checksum,
        verified=home.how,
        fetched=home.fetched,
        files=files,
        moved=moved,
    )


def _fetched(job: Job, own: Own, lot: Lot, tell: Callable[[Progress], None]) -> Verified | Gathered:
    http, path, stop = own.http(), job.archive.workplace(lot.place), own.stop
    terms = structs.replace(job.how.terms, rate=own.rate, spare=own.spare, tally=own.tally)
    first, *others = lot.assets
    if others or lot.directory:
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
