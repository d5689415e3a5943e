"""resto servers: Take5 and THEIA of 2015 (v2.0.x), and their successors up to v2.5.

resto (https://github.com/jjrom/resto) is an OpenSearch catalogue that answers in GeoJSON. What shapes this:

* 2.0 can neither filter nor sort by publication, so all of a site is read again at each poll;
* a parameter that a server does not know is ignored with a 200, so each product is held against the question;
* several pages are not a snapshot: see `walk`;
* ``next`` links may lead to the page they stand on, so pages are numbered here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from urllib.parse import quote

import msgspec

from watcher.catalogues.resto.features import Features, country_of, product_of
from watcher.catalogues.resto.questions import between, offered, page
from watcher.catalogues.resto.sites import box, candidates, chosen, nearest, spellings, spoken
from watcher.catalogues.resto.walk import Listing, Window, complete
from watcher.errors import CatalogueError
from watcher.model import Candidate, Capability, Finding, Holding, Level, Page, Product, Query
from watcher.names import plain
from watcher.net import Http

_WORDS = {"L1A": "LEVEL1A", "L1C": "LEVEL1C", "L2A": "LEVEL2A", "L3A": "LEVEL3A"}
_TOLERANCE = timedelta(seconds=1)
_NONSENSE = "WatcherLooksWhetherThisFilters"


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A resto server.

    `url` is its base (``https://host/resto``), `collections` those to look into. `site_filter` is the search
    parameter, and the property, that names a site. `levels` are the server's words for our levels where they
    are not LEVEL1C, LEVEL2A…. `page_size` is the number of products asked for in a page, `max_pages` the
    number of requests after which a search is given up.
    """

    url: str
    collections: list[str]
    site_filter: str = "zone_geo"
    page_size: int = 500
    levels: dict[str, str] = {}
    max_pages: int = 200

    def __post_init__(self) -> None:
        if not self.collections:
            raise ValueError("collections must name at least one collection of the server")
        if not 1 <= self.page_size <= 1000:
            raise ValueError(f"page_size = {self.page_size}: it must be between 1 and 1000")
        if self.max_pages < 1:
            raise ValueError(f"max_pages = {self.max_pages}: it must be at least 1")

    def capability(self) -> Capability:
        """Say what it can be asked: for sites by code, not for news."""
        return Capability(learns=False, codes=True)

    def collections_of(self, level: str | None) -> Sequence[str]:  # noqa: ARG002  # each of them holds every level
        """Return all collections."""
        return self.collections

    def search(self, query: Query, http: Http) -> Iterator[Page]:
        """List what matches, page by page; ending without an error means that this was all.

        Raises `CatalogueError` when that cannot be proven, and when the server listed what was not asked for.
        What lies outside `query.geometry` but inside its bounds is listed too.
        """
        asked = {}
        if query.level is not None:
            asked["processingLevel"] = self._word(query.level)
        if query.code is not None:
            asked[self.site_filter] = query.code
        elif query.geometry is not None and (bounds := box(query.geometry)) is not None:
            asked["box"] = bounds

        def ask(window: Window, number: int) -> Listing:
            features = self._page(query.collection, {**asked, **between(window), "page": str(number)}, http)
            return self._listing(features, query, window)

        return complete(ask, query.acquired, size=self.page_size, most_requests=self.max_pages)

    def locate(self, name: str, http: Http, *, collections: Sequence[str]) -> tuple[Sequence[Candidate], Sequence[str]]:
        """Find a site by its code, by the beginning of it, or by either in another spelling.

        The second value names the codes spelt most like `name` when there is no candidate. Raises
        `CatalogueError` as `search` does: a site is unknown only once the whole of the collections was read.
        """
        likely: list[Candidate] = []
        for collection in collections:
            for spelling in spellings(spoken(name)[1]):
                found = chosen(name, self._sites(collection, http, {self.site_filter: f"{spelling}%"}))
                if found:
                    likely += found
                    break
        if likely:
            return chosen(name, likely), []
        known = [site for collection in collections for site in self._sites(collection, http, {})]
        found = chosen(name, known)
        return found, [] if found else nearest(name, known)

    def discover(self, http: Http) -> Iterator[Holding]:
        """List the server's collections."""
        return map(Holding, offered(http, self._base))

    def check(self, http: Http) -> Iterator[Finding]:
        """Look at the server: that it answers, has the collections, and filters by what is asked."""
        try:
            existing = offered(http, self._base)
        except CatalogueError as error:
            yield Finding(self.url, False, str(error), error.hint)
            return
        yield Finding(self.url, True, f"answers; its collections are {', '.join(existing) or 'none'}")
        for collection in self.collections:
            try:
                yield from self._checked(collection, http)
            except CatalogueError as error:
                hint = error.hint if collection in existing else f"it has: {', '.join(existing) or 'none'}"
                yield Finding(collection, False, str(error), hint)

    def _checked(self, collection: str, http: Http) -> Iterator[Finding]:
        full = self._page(collection, {}, http)
        count = len(full.features)
        told = f"all {count} products fit on one page"
        if full.more or count >= self.page_size:
            told = f"gives {count} products in a page ({self.page_size} are asked for)"
        yield Finding(collection, True, told)
        for name in ("processingLevel", self.site_filter):
            deaf = self._page(collection, {name: _NONSENSE, "maxRecords": "1"}, http).features
            yield Finding(
                f"{collection}: {name}",
                not deaf,
                "is ignored: whatever is asked, everything is listed" if deaf else "filters",
                "is site_filter spelt as in the server's describe.xml?" if deaf else None,
            )
        news = self._page(collection, {"updated": "2100-01-01T00:00:00Z", "maxRecords": "1"}, http).features
        told = "is ignored, as by resto 2.0: each poll reads all of a site" if news else "filters; it is not needed"
        yield Finding(f"{collection}: updated", True, told)

    def _sites(self, collection: str, http: Http, asked: Mapping[str, str]) -> list[Candidate]:
        countries: dict[str, str] = {}

        def ask(window: Window, number: int) -> Listing:
            features = self._page(collection, {**asked, **between(window), "page": str(number)}, http)
            listing = self._listing(features, Query(collection), window)
            for feature, product in zip(features.features, listing.products, strict=True):
                if product.code and product.code not in countries and (country := country_of(feature)):
                    countries[product.code] = country
            return listing

        pages = complete(ask, (None, None), size=self.page_size, most_requests=self.max_pages)
        products = [product for listed in pages for product in listed]
        if products and not any(product.code for product in products):
            raise self._uncoded(collection)
        return candidates(collection, products, countries)

    def _page(self, collection: str, asked: Mapping[str, str], http: Http) -> Features:
        return page(http, self._base, collection, asked, size=self.page_size, site_filter=self.site_filter)

    def _listing(self, features: Features, query: Query, window: Window) -> Listing:
        """Turn features into products; refuse those that were not asked for."""
        words = {word: Level(ours) for ours, word in self.levels.items()}
        word = None if query.level is None else self._word(query.level)
        collection, code = query.collection, query.code
        place = f"{self._base}/collections/{quote(collection, safe='')}"
        earliest, latest = window
        earliest = earliest - _TOLERANCE if earliest else None
        latest = latest + _TOLERANCE if latest else None
        products: list[Product] = []
        for feature in features.features:
            said = feature.properties
            product = product_of(feature, place=place, collection=collection, levels=words)
            if said.collection != collection and said.collection is not None:
                raise _ignored("the collection", collection, said.collection, product)
            if word is not None and said.level != word:
                hint = "if that is the server's own word for this level, set levels"
                raise _ignored("processingLevel", word, said.level, product, hint)
            if code is not None and product.code != code:
                if product.code is None:
                    raise self._uncoded(collection)
                hint = "is site_filter spelt as in the server's describe.xml?"
                raise _ignored(self.site_filter, code, product.code, product, hint)
            then = product.acquired
            if (earliest and (not then or then < earliest)) or (latest and (not then or then > latest)):
                asked = " to ".join(between(window).values())
                raise _ignored(" and ".join(between(window)), asked, said.start, product)
            products.append(product)
        return Listing(products, features.total, features.more)

    def _uncoded(self, collection: str) -> CatalogueError:
        return CatalogueError(
            f"{self.url} lists products of {collection} without the property {self.site_filter}:"
            " they cannot be told apart by site",
            hint="set site_filter to the parameter by which this server names sites, or watch by geometry",
            permanent=True,
        )

    def _word(self, level: str) -> str:
        return self.levels.get(level) or _WORDS.get(level, level)

    @property
    def _base(self) -> str:
        return self.url.rstrip("/")


def _ignored(filtered: str, asked: str, received: object, product: Product, hint: str | None = None) -> CatalogueError:
    return CatalogueError(
        f"the server ignored {filtered}: asked for {asked}, it listed {received} ({plain(product.title)})",
        hint=hint or "until it filters, nothing it lists can be trusted; is there a typo in a setting?",
        permanent=True,
    )
