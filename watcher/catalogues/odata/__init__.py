"""OData catalogues: the Copernicus Data Space (CDSE) and its twins (CREODIAS…).

`products` reads what is listed, `questions` asks and judges one answer, `walks` reads all there is, `queue` the
Subscriptions, `checks` looks at a server. What shapes them (CDSE's documentation of 2025 and 2026):

* a product is learnt of when it is published, and again whenever its record is changed: `ModificationDate`. Both are
  asked for, one after the other, because a filter of either with an order of one is slow there;
* pages by offset end at the 10,000th product, without a word: so the next page is asked for by value;
* what was deleted is listed apart, with the cause;
* two products may have one name, and one of them be deleted as a duplicate: so it is the `Id` that identifies them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import msgspec

from watcher.catalogues.odata import queue
from watcher.catalogues.odata.checks import holdings, look
from watcher.catalogues.odata.products import Entity, product
from watcher.catalogues.odata.questions import DELETED, PRODUCTS, Question, polygons, short
from watcher.catalogues.odata.walks import Walk, believe
from watcher.core.unread import beside
from watcher.levels import level, may_hold
from watcher.model import Candidate, Capability, Finding, Holding, Page, Query

if TYPE_CHECKING:
    from watcher.net import Http


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An OData catalogue of Copernicus.

    `url` is the address of the service (`…/odata/v1`). `collections` gives for each collection the level of its
    products, "" to read it from their attributes; a collection is one of the server's, or one and a product type
    (`SENTINEL-2:S2MSI2A`). `download` is where files are, if not at `url`.

    `limit` is the products on a page, `max_pages` the requests after which a walk is given up, `places` how many
    places one question may hold. `deletions` asks for what was deleted, too.

    `subscriptions` gives for a collection the id of a pull subscription of the account; see `queue` for what it is
    read for.
    """

    url: str
    collections: dict[str, str]
    download: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 500
    max_pages: Annotated[int, msgspec.Meta(ge=1)] = 200
    places: Annotated[int, msgspec.Meta(ge=1, le=20)] = 20
    deletions: bool = True
    subscriptions: dict[str, str] = {}

    def __post_init__(self) -> None:
        for address in (self.url, self.download):
            parts = urlsplit(address)
            if parts.query or parts.fragment or "@" in parts.netloc:
                raise ValueError("url and download must be the address of the service alone, without user or query")
        if not self.collections:
            raise ValueError("collections must name at least one collection")
        strangers = [name for name in self.subscriptions if name not in self.collections]
        if strangers:
            raise ValueError(f"subscriptions names {strangers[0]}, which is not one of collections")

    def capability(self) -> Capability:
        """It learns, everywhere or at places, and says what it took away; it has no codes for sites."""
        return Capability(learns=True, codes=False, sweeps=True, places=self.places, page=self.limit)

    def collections_of(self, level: str | None) -> Sequence[str]:
        """Return the collections that hold, or may hold, products of this level."""
        return may_hold(self.collections, level)

    def search(self, query: Query, http: Http) -> Iterator[Page]:
        """List what matches, what was deleted first.

        Asked what it learnt, a product that changes meanwhile is listed again. Ends without an error only if the
        answer was complete: see `Walk`. Raises `CatalogueError` if it was not, if the server listed what was not
        asked for, or has no product of the collection.
        """
        ident = self.subscriptions.get(query.collection)
        if ident is not None and query.learnt_since is not None and query.geometry is None and not query.brief:
            yield from queue.search(self, query, http, ident=ident, walk=self._walk, read=self._page)
        else:
            yield from self._walk(query, http)

    def _walk(self, query: Query, http: Http) -> Iterator[Page]:
        walk, question, listed = Walk(self, http), self._question(query), False
        if query.learnt_since is None:
            readings = [walk.read(msgspec.structs.replace(question, order="PublicationDate"))]
        else:
            since = short(query.learnt_since)
            gone = question.about(DELETED, order="DeletionDate").bounded(("DeletionDate", "ge", since))
            changed = question.bounded(("ModificationDate", "ge", since))
            others = question.bounded(("ModificationDate", "lt", since), ("PublicationDate", "ge", since))
            readings = [walk.read(gone)] if self.deletions else []
            readings.append(walk.read(msgspec.structs.replace(changed, order="ModificationDate")))
            readings.append(walk.read(msgspec.structs.replace(others, order="PublicationDate")))
        for reading in readings:
            for entities, odd in reading:
                listed = True
                yield beside(self._page(query, entities), odd)
        if not listed:
            believe(self, http, question)

    def locate(self, name: str, http: Http, *, collections: Sequence[str]) -> tuple[Sequence[Candidate], Sequence[str]]:  # noqa: ARG002
        """Find nothing: it knows no sites by name."""
        return [], []

    def discover(self, http: Http) -> Iterator[Holding]:
        """List the collections configured here, with what they span: the server has no list of its own."""
        return holdings(self, http)

    def check(self, http: Http) -> Iterator[Finding]:
        """Look whether the server filters, sorts, counts and pages as it is asked to, whatever it says of itself."""
        return look(self, http)

    def _question(self, query: Query) -> Question:
        name, _, kind = query.collection.partition(":")
        start, end = query.acquired
        question = Question(
            entity=PRODUCTS,
            collection=name,
            type=kind or None,
            area=() if query.geometry is None else polygons(query.geometry, most=self.places),
            limit=self.limit,
            # What is no attribute here says no level.
            brief=query.brief and bool(self.collections.get(query.collection)),
        )
        bounds = (("ContentDate/Start", "ge", start), ("ContentDate/Start", "le", end))
        return question.bounded(*((field, sign, time) for field, sign, time in bounds if time is not None))

    def _page(self, query: Query, entities: Sequence[Entity]) -> Page:
        held = self.collections.get(query.collection, "")
        listed = [
            product(
                entity,
                collection=query.collection,
                level_given=level(held) if held else None,
                url=self.url.rstrip("/"),
                download=(self.download or self.url).rstrip("/"),
            )
            for entity in entities
        ]
        return [one for one in listed if query.level is None or one.level in (None, query.level)]
