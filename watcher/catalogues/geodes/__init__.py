"""CNES GEODES, which keeps what THEIA, PEPS, SPOT World Heritage and the Take5 experiments produced.

Its search looks like STAC and is not (recorded answers say `1.0.0-beta`): a collection is the property `dataset`,
`datetime` is when the catalogue published a product, and pages are numbered. `features` reads an answer, `questions`
asks one and judges what comes back, `walk` reads all there is and proves it, `availability` asks what is on tape,
`checks` looks at the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import msgspec

from watcher.catalogues.geodes.availability import available
from watcher.catalogues.geodes.checks import look
from watcher.catalogues.geodes.features import named, product
from watcher.catalogues.geodes.holdings import holdings
from watcher.catalogues.geodes.questions import Question, lower
from watcher.catalogues.geodes.walk import Walk
from watcher.core.unread import beside
from watcher.levels import may_hold
from watcher.model import Candidate, Capability, Finding, Holding, Page, Product, Query, level

if TYPE_CHECKING:
    from watcher.net import Http


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A GEODES portal.

    `url` is the root of its search (`…/api/stac`). `collections` gives for each collection the level of its products,
    "" to read it from what each product says.

    `limit` is the products on a page, of which the server gives no more than 80; `max_pages` the requests after which
    a walk is given up. `places` is how many places one question may hold: `watcher check` tries it out.
    """

    url: str
    collections: dict[str, str]
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 80
    max_pages: Annotated[int, msgspec.Meta(ge=1)] = 500
    places: Annotated[int, msgspec.Meta(ge=1)] = 1

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("url must be the address of the search's root, without user, query or fragment")
        if not self.collections:
            raise ValueError("collections must name at least one collection")

    def capability(self) -> Capability:
        """It says what it published since a time, anywhere or in places; it has no codes for sites."""
        return Capability(learns=True, codes=False, sweeps=True, places=self.places, page=self.limit)

    def collections_of(self, level: str | None) -> Sequence[str]:
        """Return the collections that hold, or may hold, products of this level."""
        return may_hold(self.collections, level)

    def search(self, query: Query, http: Http) -> Iterator[Page]:
        """List what matches, each product once.

        Ends without an error only if the answer was complete: see `Walk`. Raises `CatalogueError` if it was not, if
        the server listed what was not asked for, or does not know the collection.
        """
        start, end = query.acquired
        question = Question(
            collection=query.collection,
            limit=self.limit,
            geometry=query.geometry,
            since=None if query.learnt_since is None else lower(query.learnt_since),
            start=start,
            end=end,
        )
        levels = {name: level(text) for name, text in self.collections.items() if text}
        given = levels.get(query.collection)
        for features, odd in Walk(self, question, http).pages():
            products = [product(one, given=given, url=self.url) for one in features if one.latest]
            page = [one for one in products if query.level is None or one.level in (None, query.level)]
            if page or odd:
                yield beside(page, [named(one) for one in odd])

    def locate(self, name: str, http: Http, *, collections: Sequence[str]) -> tuple[Sequence[Candidate], Sequence[str]]:  # noqa: ARG002
        """Find nothing: it knows no sites by name, places are asked for by their ground."""
        return [], []

    def at_hand(self, product: Product, http: Http) -> bool | None:
        """Say whether the file of a product is on disk now, as GEODES' `availability` has it."""
        return available(product, self.url, http)

    def discover(self, http: Http) -> Iterator[Holding]:
        """List the collections that the server has; their levels as set here, or by what it says of them."""
        return holdings(self, http)

    def check(self, http: Http) -> Iterator[Finding]:
        """Look whether the server answers as it was recorded, and say what to set if it does not."""
        return look(self, http)
