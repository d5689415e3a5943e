"""What a resto server can really do, found by asking: it ignores without a word what it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from watcher.catalogues.resto.answers import Feature, Features
from watcher.catalogues.resto.questions import between, offered
from watcher.core.moments import moment
from watcher.core.unread import told
from watcher.errors import CatalogueError, HttpError
from watcher.model import Finding

if TYPE_CHECKING:
    from watcher.catalogues.resto import Kind
    from watcher.net import Http

NONSENSE = "WatcherLooksWhetherThisFilters"
_FUTURE, _PAST = "2100-01-01T00:00:00Z", "1970-01-01T00:00:00Z"
_FAR = 20_000
"""A page that no search of ours gets to."""


def look(kind: Kind, http: Http) -> Iterator[Finding]:
    """Look that it answers and has the collections; and what of each filters, counts, sorts and ends."""
    try:
        existing = offered(http, kind.base)
    except CatalogueError as error:
        yield Finding(kind.url, False, str(error), error.hint)
        return
    yield Finding(kind.url, True, f"answers; its collections are {', '.join(existing) or 'none'}")
    for collection in kind.collections:
        try:
            yield from _Look(kind, http, collection).findings(existing)
        except CatalogueError as error:
            hint = error.hint if collection in existing else f"it has: {', '.join(existing) or 'none'}"
            yield Finding(collection, False, str(error), hint)


class _Look:
    """One collection being looked at."""

    def __init__(self, kind: Kind, http: Http, collection: str) -> None:
        self.kind, self.http, self.collection = kind, http, collection

    def findings(self, existing: Sequence[str]) -> Iterator[Finding]:
        full = self._ask({})
        count = full.size
        if not count and existing and self.collection not in existing:
            # Some servers list nothing of a collection that they do not have, rather than refuse it.
            text = "lists no product, and is none of the collections that the server says it has"
            yield Finding(self.collection, False, text, f"it has: {', '.join(existing)}")
            return
        text = f"all {count} products fit on one page"
        if full.more or count >= self.kind.page_size:
            text = f"gives {count} products in a page ({self.kind.page_size} are asked for)"
        yield Finding(self.collection, True, text)
        if full.odd:
            yield told(f"{self.collection}: products", full.odd, size=count)
        for name in filter(None, ("processingLevel", self.kind.site_filter)):
            deaf = self._one({name: NONSENSE})
            yield self._finding(
                name,
                not deaf,
                "is ignored: whatever is asked, everything is listed" if deaf else "filters",
                "is site_filter spelt as in the server's describe.xml?",
            )
        if full.features:
            yield from self._news()
            yield self._totals(full)
            yield self._order()
        yield self._end()

    def _news(self) -> Iterator[Finding]:
        """Say of the configured and the usual parameters for news whether they filter."""
        hidden = "as by resto 2.0: each poll reads all of a site"
        for name in dict.fromkeys(n for n in (self.kind.since, "updated", "publishedAfter") if n != "none"):
            wanted = name == self.kind.since
            try:
                after, before = self._one({name: _FUTURE}), self._one({name: _PAST})
            except HttpError as error:
                yield self._finding(name, not wanted, f"is refused: {error}", 'set since = "none"')
                continue
            if after or not before:
                told = "is ignored" if after else "hides everything"
                yield self._finding(name, not wanted, f"{told}, {hidden}", 'set since = "none"')
            else:
                advice = "" if self.kind.since != "none" else f'; with since = "{name}" a poll asks for news only'
                yield self._finding(name, True, f"filters{advice}")

    def _totals(self, full: Features) -> Finding:
        """Count what was acquired together with the newest, which fits on a page, and hold the total against it."""
        newest = max((t for t in map(_acquired, full.features) if t is not None), default=None)
        if newest is None:
            return self._finding("totalResults", True, "cannot be looked at: its products have no startDate")
        listed = self._ask(between((newest, newest)))
        count, total = listed.size, listed.total
        if total is None:
            return self._finding("totalResults", True, "is not given, or said to be an estimate; it is not relied on")
        lies = total != count and not listed.more
        if not lies:
            return self._finding("totalResults", True, "counts what is listed")
        return self._finding(
            "totalResults",
            not self.kind.counts,
            f"lies: it says {total} where {count} are listed" + ("" if self.kind.counts else "; it is not relied on"),
            "set counts = false",
        )

    def _order(self) -> Finding:
        rising = self._ask({"sortParam": "startdate", "sortOrder": "ascending", "maxRecords": "2"}).features
        falling = self._ask({"maxRecords": "2"}).features
        first, last = (_acquired(listed[0]) if listed else None for listed in (rising, falling))
        sorts = first is not None and last is not None and first < last
        told = "sorts by acquisition, either way" if sorts else "is ignored: the latest acquisition always comes first"
        return self._finding("sortParam", True, f"{told}; never by publication")

    def _end(self) -> Finding:
        try:
            beyond = self._ask({"maxRecords": "1", "page": str(_FAR)}).size
        except HttpError as error:
            return self._finding("page", True, f"ends before {_FAR} products with status {error.status}, loudly")
        if beyond and self._ask({}).size < self.kind.page_size:
            return self._finding(
                "page", False, "is ignored: a page beyond the end lists products", "nothing helps here"
            )
        return self._finding("page", True, "beyond the end is empty" if not beyond else f"goes beyond {_FAR} products")

    def _one(self, asked: dict[str, str]) -> bool:
        return bool(self._ask({**asked, "maxRecords": "1"}).size)

    def _ask(self, asked: dict[str, str]) -> Features:
        return self.kind.page(self.collection, asked, self.http)

    def _finding(self, name: str, well: bool, text: str, hint: str | None = None) -> Finding:
        return Finding(f"{self.collection}: {name}", well, text, None if well else hint)


def _acquired(feature: Feature[Any]) -> datetime | None:
    return moment(feature.properties.start)
