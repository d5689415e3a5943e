"""Bring home some files of products, by hand: now, and not to a place of the archive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from watcher.core.archive.shelves import file_name, safe
from watcher.errors import NoSpace, TransferError, WatcherError
from watcher.model import Product
from watcher.net import Http
from watcher.transfer import Gathered, Progress, Terms, fetch_files, fetch_members

Show = Callable[[str, Progress], None]
Tell = Callable[[Progress], None]

Way = Callable[[Http, Product, Path, Terms, Tell], Gathered]
"""Brings files of a product to a directory, or raises `WatcherError`."""


class Brought(msgspec.Struct, frozen=True):
    """How one product ended: where its files are now, or why they are not."""

    title: str
    path: Path
    gathered: Gathered | None
    problem: WatcherError | None


def bring(
    products: Sequence[tuple[str, Product]],
    way: Way,
    https: Callable[[str], Http],
    folder: Path,
    *,
    terms: Callable[[str], Terms],
    show: Show | None = None,
    stop: threading.Event,
) -> Iterator[Brought]:
    """Fetch files of each product, given with its catalogue, in a `way`: `assets`, or `members` of a zip.

    Each product becomes a directory of its title in `folder`. What is there already is left alone; what was complete
    when it was interrupted is not fetched again. A full disk ends the pass.
    """
    for catalogue, product in products:
        path = folder / safe(product.title)

        def tell(progress: Progress, title: str = product.title) -> None:
            if show is not None:
                show(title, progress)

        try:
            gathered = way(https(catalogue), product, path, terms(catalogue), tell)
        except WatcherError as error:
            if stop.is_set():
                return
            yield Brought(product.title, path, None, error)
            if isinstance(error, NoSpace):
                return
        else:
            yield Brought(product.title, path, gathered, None)


def members(patterns: Sequence[str], stop: threading.Event) -> Way:
    """Fetch the members of a product that any of the patterns matches: of the one zip file that it has to be."""

    def way(http: Http, product: Product, path: Path, terms: Terms, tell: Tell) -> Gathered:
        if len(product.assets) != 1:
            what = f"{len(product.assets)} files" if product.assets else "no file"
            raise TransferError(f"the catalogue offers {what} of it, not one zip", permanent=True)
        return fetch_members(http, product.assets[0], path, patterns, terms=terms, progress=tell, stop=stop)

    return way


def assets(stop: threading.Event) -> Way:
    """Fetch all assets of a product, which are those that were chosen."""

    def way(http: Http, product: Product, path: Path, terms: Terms, tell: Tell) -> Gathered:
        files = {file_name(asset): asset for asset in product.assets}
        return fetch_files(http, files, path, terms=terms, progress=tell, stop=stop)

    return way
