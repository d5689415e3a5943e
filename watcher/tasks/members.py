"""Bring home some members of products that are zip files, by hand: now, and not to a place of the archive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from watcher.core.shelves import safe
from watcher.errors import NoSpace, TransferError, WatcherError
from watcher.model import Product
from watcher.net import Http
from watcher.transfer import Gathered, Progress, Terms, fetch_members

Show = Callable[[str, Progress], None]


class Brought(msgspec.Struct, frozen=True):
    """How one product ended: where its members are now, or why they are not."""

    title: str
    path: Path
    gathered: Gathered | None
    problem: WatcherError | None


def bring(
    products: Sequence[tuple[str, Product]],
    https: Callable[[str], Http],
    folder: Path,
    patterns: Sequence[str],
    *,
    terms: Callable[[str], Terms],
    show: Show | None = None,
    stop: threading.Event,
) -> Iterator[Brought]:
    """Fetch the members that any of the patterns matches of each product, given with its catalogue.

    Each becomes a directory of its title in `folder`. What is there already is left alone; what was complete when it
    was interrupted is not fetched again. A full disk ends the pass.
    """
    for catalogue, product in products:
        path = folder / safe(product.title)
        try:
            if len(product.assets) != 1:
                what = f"{len(product.assets)} files" if product.assets else "no file"
                raise TransferError(f"the catalogue offers {what} of it, not one zip", permanent=True)

            def tell(progress: Progress, title: str = product.title) -> None:
                if show is not None:
                    show(title, progress)

            client, on = https(catalogue), terms(catalogue)
            gathered = fetch_members(client, product.assets[0], path, patterns, terms=on, progress=tell, stop=stop)
        except WatcherError as error:
            if stop.is_set():
                return
            yield Brought(product.title, path, None, error)
            if isinstance(error, NoSpace):
                return
        else:
            yield Brought(product.title, path, gathered, None)
