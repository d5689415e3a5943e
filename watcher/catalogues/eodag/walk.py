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

from watcher.catalogues.eodag.products import product, unread
from watcher.core.moments import moment, written
from watcher.core.unread import beside, distinct, first_time, nothing_read, odd_of, shapeless
from watcher.errors import CatalogueError
from watcher.model import Page, Product, Query, Unread

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
        yield beside([one for one in page if query.level is None or one.level in (None, query.level)], odd_of(page))


class _Walk:
    """One search under way, and what it has seen."""

    def __init__(self, kind: Kind, query: Query) -> None:
        self.kind, self.query = kind, query
        self.level = kind.level_of(query.collection)
        self.left = kind.max_pages
        self.seen: dict[str, datetime | None] = {}
        self.odd: set[str] = set()

    def read(self, window: Window) -> Iterator[Page]:
        counted, ids = None, set[str]()
        for count, page in self._pages(window):
            counted = counted or count
            ids |= _marks(page)
            yield self._fresh(page)
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
        times = sorted(time for one in ids if (time := self.seen.get(one)) is not None)
        if not times:
            return  # nothing that was listed has a time: there is no half
        middle = max(window[0], min(times[len(times) // 2].replace(microsecond=0), window[1] - _SECOND))
        for half in ((window[0], middle), (middle, window[1])):
            found = set[str]()
            for _, page in self._pages(half):
                found |= _marks(page)
                yield self._fresh(page)
            if found <= ids:
                continue
            if half in (window, (middle, middle)) or half[1] - half[0] <= _SECOND:
                raise CatalogueError(
                    f"{self.kind.provider} lists other products each time for {written(half[0])}/{written(half[1])}",
                    hint="it does not count and cannot page; watch a smaller place",
                )
            yield from self._again(half, found)

    def _pages(self, window: Window) -> Iterator[tuple[int | None, Page]]:
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

    def _products(self, result: Any, window: Window) -> Page:
        start, end = window
        products: list[Product] = []
        odd: list[Unread] = []
        for one in result:
            try:
                found = product(one, collection=self.query.collection, level=self.level, assets=self.kind.assets)
            except ValueError as error:
                odd.append(unread(one, str(error)))
                continue
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
        if not products and not self.seen and shapeless(odd):
            raise nothing_read(self.kind.provider, odd)
        return beside(products, distinct(odd))

    def _fresh(self, page: Page) -> Page:
        fresh = {one.id: one for one in page if one.id not in self.seen}
        self.seen |= {one.id: one.acquired for one in page}
        return beside(list(fresh.values()), first_time(odd_of(page), self.odd))


def _marks(page: Page) -> set[str]:
    return {one.id for one in page} | {one.mark for one in odd_of(page)}
