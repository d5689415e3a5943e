"""How to read all of a resto server's answer, or know that it was not all.

resto sorts by acquisition alone: what ties changes places between two requests, and what arrives meanwhile
moves everything after it, so that a walk over pages can list one product twice and another never. One page is
a snapshot; several are believed only if the server counted the same number each time and that many were seen.
Otherwise the question is asked again by disjoint windows of acquisition, each small enough for one page.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from watcher.core.unread import beside, first_time, nothing_read, shapeless
from watcher.errors import CatalogueError
from watcher.model import Page, Product, Unread

MOST_PRODUCTS = 50_000
"""What one search may list before it is given up: no site has that many."""

Window = tuple[datetime | None, datetime | None]
"""The earliest and latest acquisition asked for, both included; `None` for an open end."""

_SECOND = timedelta(seconds=1)
_TICK = timedelta(microseconds=1)
_NARROW = "narrow what is watched: a later --since, one level, a site instead of a region"


class Listing(msgspec.Struct, frozen=True):
    """One page. `total` counts all that matches, `None` unless exact; `more` that there is a next link.

    `odd` is what is listed and cannot be read.
    """

    products: Page
    total: int | None
    more: bool
    odd: Sequence[Unread] = ()

    @property
    def size(self) -> int:
        """How many products it lists, those included that cannot be read."""
        return len(self.products) + len(self.odd)

    @property
    def head(self) -> str:
        """What tells its first product from others."""
        return self.products[0].id if self.products else self.odd[0].mark


Ask = Callable[[Window, int], Listing]
"""Asks for one page (numbered from 1) of what was acquired in a window."""


def complete(ask: Ask, window: Window, *, size: int, most_requests: int) -> Iterator[Page]:
    """List everything in a window, each product once, in pages as they come.

    `size` is the number of products asked for in a page; a server that gives fewer is noticed. Ending without
    an error means that the answer was complete. Raises `CatalogueError` if it cannot be proven so, beyond
    `most_requests` or `MOST_PRODUCTS`, and where nothing at all can be read.
    """
    return _Reading(ask, size, most_requests).read(window)


class _Reading:
    """One search under way: what was seen, and what was learnt of the server's pages."""

    def __init__(self, ask: Ask, size: int, most_requests: int) -> None:
        self._ask, self._left, self._most = ask, most_requests, most_requests
        self._size, self._sized = size, False
        self._seen: dict[str, datetime | None] = {}
        self._odd: set[str] = set()

    def read(self, window: Window) -> Iterator[Page]:
        first = self._page(window, 1)
        yield self._fresh(first)
        whole, second = self._judged(window, first)
        if whole or (yield from self._walk(window, first, second)):
            return
        # Latest first, as the server itself sorts.
        windows = self._halves(window)
        while windows:
            window = windows.pop()
            if len(self._within(window)) >= self._size and _divisible(window):
                windows += self._halves(window)  # known to be too much for one page
                continue
            first = self._page(window, 1)
            yield self._fresh(first)
            whole, second = self._judged(window, first)
            if not whole:
                if second is not None:
                    yield self._fresh(second)
                windows += self._halves(window)

    def _judged(self, window: Window, first: Listing) -> tuple[bool, Listing | None]:
        """Say whether a first page is all there is; return the second as well if that had to be asked for."""
        count = first.size
        if first.more and not count:
            raise CatalogueError(
                "the catalogue announces more products but lists none", hint="set page_size to at least 1"
            )
        if not first.more and first.total == len({product.id for product in first.products}) + len(first.odd):
            return True, None
        second = None
        if not first.more and count < self._size:
            if first.total is None and (self._sized or not count):
                return True, None
            # A server may give smaller pages than it was asked for: only the next one, empty, tells.
            second = self._page(window, 2)
            if not second.size:
                if first.total is None:
                    return True, None
                raise CatalogueError(f"the catalogue counts {first.total} products but lists {count}, and no more")
        self._size, self._sized = max(count, self._size if self._sized else 1), True
        return False, second

    def _walk(self, window: Window, first: Listing, second: Listing | None) -> Generator[Page, None, bool]:
        """Read on from page 2; return whether that was provably everything. Nothing but `first` was read before."""
        heads = {first.head} if first.size else set()
        totals, number = {first.total}, 2
        page = second or self._page(window, number)
        while page.size:
            head = page.head
            if head in heads:
                return False
            heads.add(head)
            totals.add(page.total)
            yield self._fresh(page)
            if not page.more and page.size < self._size:
                break
            number += 1
            page = self._page(window, number)
        return totals == {len(self._seen | dict.fromkeys(self._odd)) if self._odd else len(self._seen)}

    def _page(self, window: Window, number: int) -> Listing:
        if self._left == 0:
            raise CatalogueError(
                f"the catalogue's answer did not end within {self._most} requests",
                hint=_NARROW,
                permanent=True,
            )
        self._left -= 1
        listing = self._ask(window, number)
        if not listing.products and not self._seen and shapeless(listing.odd):
            raise nothing_read("the catalogue", listing.odd)
        return listing

    def _fresh(self, listing: Listing) -> Page:
        """Return what of a page was not seen before, and remember it."""
        fresh: list[Product] = []
        for product in listing.products:
            if product.id not in self._seen:
                self._seen[product.id] = product.acquired
                fresh.append(product)
        odd = first_time(listing.odd, self._odd)
        if len(self._seen) + len(self._odd) > MOST_PRODUCTS:
            raise CatalogueError(
                f"the catalogue lists more than {MOST_PRODUCTS} products", hint=_NARROW, permanent=True
            )
        return beside(fresh, odd)

    def _within(self, window: Window) -> list[datetime]:
        start, end = window
        return sorted(
            then
            for then in self._seen.values()
            if then is not None and (start is None or then >= start) and (end is None or then <= end)
        )

    def _halves(self, window: Window) -> list[Window]:
        """Divide a window at the median acquisition seen in it.

        The cut is between two seconds and leaves no gap: servers that show whole seconds may keep fractions.
        """
        start, end = window
        known = self._within(window)
        if not known or not _divisible(window):
            raise CatalogueError(
                f"the catalogue has more products acquired {_written(window)} than fit on one of its pages"
                f" ({self._size}), and what it lists on several cannot be proven complete",
                hint="raise page_size if the server allows more, or watch a single level",
                permanent=True,
            )
        middle = known[len(known) // 2].replace(microsecond=0)
        if end is not None and middle + _SECOND > end:
            middle -= _SECOND
        return [(start, middle + _SECOND - _TICK), (middle + _SECOND, end)]


def _divisible(window: Window) -> bool:
    start, end = window
    return start is None or end is None or end.replace(microsecond=0) > start


def _written(window: Window) -> str:
    start, end = (None if edge is None else f"{edge:%Y-%m-%dT%H:%M:%SZ}" for edge in window)
    if start == end:
        return "at any time" if start is None else f"at {start}"
    return f"from {start or 'the beginning'} to {end or 'now'}"
