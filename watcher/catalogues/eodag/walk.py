"""All that a provider lists, or the knowledge that it was not all.

eodag ends a walk at a page that is shorter than it asked for, or that begins like the one before: a provider that gives
smaller pages than asked, or that cannot page, is cut short without a word. So an answer is believed if as many products
were seen as the provider counted; where it does not count, if the two halves of the window of acquisition, asked for
themselves, list nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from watcher.catalogues.eodag.products import product
from watcher.core.moments import moment, written
from watcher.errors import CatalogueError
from watcher.model import Page, Product, Query

if TYPE_CHECKING:
    from watcher.catalogues.eodag import Kind

_SECOND = timedelta(seconds=1)
_BEGINNING = datetime(1972, 7, 1, tzinfo=UTC)
"""Before the first Landsat there was nothing to look for; providers want a start."""
_END = datetime(2100, 1, 1, tzinfo=UTC)

Window = tuple[datetime, datetime]


def listed(kind: Kind, query: Query) -> Iterator[Page]:
    """List everything that matches, each product once. Raises `CatalogueError` where that cannot be proven."""
    walk = _Walk(kind, query)
    start, end = query.acquired
    for page in walk.read((start or _BEGINNING, end or _END)):
        yield [one for one in page if query.level is None or one.level in (None, query.level)]


class _Walk:
    """One search under way, and what it has seen."""

    def __init__(self, kind: Kind, query: Query) -> None:
        self.kind, self.query = kind, query
        self.level = kind.level_of(query.collection)
        self.left = kind.max_pages
        self.seen: dict[str, datetime | None] = {}

    def read(self, window: Window) -> Iterator[Page]:
        counted, ids = None, set[str]()
        for count, products in self._pages(window):
            counted = counted or count
            ids |= {one.id for one in products}
            yield self._fresh(products)
        if not ids:
            self._believe()
        elif counted is None:
            yield from self._again(window, ids)
        elif len(ids) < counted:
            raise CatalogueError(
                f"{self.kind.provider} counts {counted} products, but eodag listed {len(ids)} of them",
                hint="set page_size to what the provider gives in a page, if that is less",
            )

    def _believe(self) -> None:
        """Believe that there is nothing, as eodag also says of what is no answer, if the collection lists anything."""
        if not len(self.kind.library.first(self.query.collection, limit=1)):
            raise CatalogueError(
                f"{self.kind.provider} lists nothing at all of {self.query.collection}, by whatever it answered",
                hint="is it the right collection? `watcher catalogues NAME` lists them",
            )

    def _again(self, window: Window, ids: set[str]) -> Iterator[Page]:
        """Ask for the two halves of a window that nothing was counted of; what they add calls for more halves."""
        times = sorted(time for one in ids if (time := self.seen[one]) is not None)
        if not times:
            return  # nothing that was listed has a time: there is no half
        middle = max(window[0], min(times[len(times) // 2].replace(microsecond=0), window[1] - _SECOND))
        for half in ((window[0], middle), (middle, window[1])):
            found = set[str]()
            for count, products in self._pages(half):
                del count
                found |= {one.id for one in products}
                yield self._fresh(products)
            if found <= ids:
                continue
            if half in (window, (middle, middle)) or half[1] - half[0] <= _SECOND:
                raise CatalogueError(
                    f"{self.kind.provider} lists other products each time for {written(half[0])}/{written(half[1])}",
                    hint="it does not count and cannot page; watch a smaller place",
                )
            yield from self._again(half, found)

    def _pages(self, window: Window) -> Iterator[tuple[int | None, list[Product]]]:
        """Yield what each page counts and lists."""
        library, start, end = self.kind.library, *window
        limit = min(self.kind.page_size, library.most)
        asked: dict[str, Any] = {"start": written(start), "end": written(end), "limit": limit}
        if self.query.geometry is not None:
            import shapely

            asked["geom"] = shapely.from_geojson(self.query.geometry)
        result = self._count_down(library.first(self.query.collection, **asked))
        yield result.number_matched, self._products(result, window)
        if not len(result):
            return
        result.raise_errors = True
        more = result.next_page(update=False)
        while (page := library.next(more)) is not None:
            yield None, self._products(self._count_down(page), window)

    def _count_down(self, result: Any) -> Any:
        if self.left == 0:
            raise CatalogueError(
                f"the answer of {self.kind.provider} did not end within {self.kind.max_pages} pages",
                hint="narrow what is watched: a later --since, a smaller place, one collection",
                permanent=True,
            )
        self.left -= 1
        return result

    def _products(self, result: Any, window: Window) -> list[Product]:
        start, end = window
        products = []
        for one in result:
            found = product(one, collection=self.query.collection, level=self.level, assets=self.kind.assets)
            if one.provider != self.kind.provider:
                raise CatalogueError(f"eodag asked {one.provider} instead of {self.kind.provider}", permanent=True)
            last = moment(one.properties.get("end_datetime")) or found.acquired
            first = found.acquired
            if (first is not None and first > end + _SECOND) or (last is not None and last < start - _SECOND):
                raise CatalogueError(
                    f"{self.kind.provider} ignored the time: asked for {written(start)} to {written(end)}, it listed"
                    f" {found.title} of {first:%Y-%m-%dT%H:%M:%SZ}",
                    hint="until it filters, nothing it lists can be trusted",
                    permanent=True,
                )
            products.append(found)
        return products

    def _fresh(self, products: list[Product]) -> Page:
        fresh = {one.id: one for one in products if one.id not in self.seen}
        self.seen |= {one.id: one.acquired for one in products}
        return list(fresh.values())
