"""resto servers: Take5 and THEIA of 2015 (v2.0.x), and their successors up to v2.5, THEIA's and PEPS' among them.

resto (https://github.com/jjrom/resto) is an OpenSearch catalogue that answers in GeoJSON. What shapes this:

* 2.0 can neither filter nor sort by publication, so all of a site is read again at each poll; later ones can be asked
  for news (`since`), which is proven at each poll: see `news`;
* a parameter that a server does not know is ignored with a 200, so each product is held against the question;
* several pages are not a snapshot: see `walk`;
* a cloud cover of 0 may be one that is not known: see `skies`;
* ``next`` links may lead to the page they stand on, so pages are numbered here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Literal
from urllib.parse import quote

import msgspec

from watcher.catalogues.resto.answers import Features
from watcher.catalogues.resto.checks import NONSENSE, look
from watcher.catalogues.resto.features import country_of, product_of
from watcher.catalogues.resto.holdings import holdings
from watcher.catalogues.resto.news import Deaf, dated, news
from watcher.catalogues.resto.questions import between, page
from watcher.catalogues.resto.sites import (
    Ground,
    box,
    candidates,
    chosen,
    extent,
    hull,
    nearest,
    spellings,
    spoken,
)
from watcher.catalogues.resto.skies import CLEAR, Odd, clouded, told_apart
from watcher.catalogues.resto.walk import Ask, Listing, Window, complete
from watcher.errors import CatalogueError
from watcher.model import Candidate, Capability, Finding, Holding, Level, Page, Product, Query, level
from watcher.names import plain
from watcher.net import Http

_WORDS = {"L1A": "LEVEL1A", "L1C": "LEVEL1C", "L2A": "LEVEL2A", "L3A": "LEVEL3A"}
_TOLERANCE = timedelta(seconds=1)


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A resto server.

    `url` is its base (``https://host/resto``), `collections` those to look into, each with the levels that it holds
    where not all hold all. `site_filter` is the search parameter that names a site, "" where there is none, and
    `site_property` the property that holds it, if that is called otherwise; `name_filter` is the parameter that takes
    the name of a town (``name``, on 2.0 ``location``), where the server has a gazetteer.

    `since` is the parameter by which the server is asked for news (2.1 and later), "none" where it has none: then all
    of a site is read again. `counts` says that its totals are true unless they are said to be estimates.

    `levels` are the server's words for our levels where they are not LEVEL1C, LEVEL2A…, under a collection's name
    those of that collection. `page_size` is the number of products asked for in a page (more than 500 is clamped by
    2.0 and refused by later ones), `max_pages` the number of requests after which a search is given up.
    """

    url: str
    collections: list[str] | dict[str, list[str]]
    site_filter: str = "zone_geo"
    site_property: str = ""
    name_filter: str = ""
    since: Literal["none", "updated", "publishedAfter", "publishedBegin", "publishedFrom", "updatedFrom"] = "none"
    counts: bool = True
    page_size: int = 500
    levels: dict[str, str | dict[str, str]] = {}
    max_pages: int = 200

    def __post_init__(self) -> None:
        if not self.collections:
            raise ValueError("collections must name at least one collection of the server")
        if not 1 <= self.page_size <= 1000:
            raise ValueError(f"page_size = {self.page_size}: it must be between 1 and 1000")
        if self.max_pages < 1:
            raise ValueError(f"max_pages = {self.max_pages}: it must be at least 1")

    def capability(self) -> Capability:
        """Say what it can be asked: for sites by code, and for news where there is a parameter for it."""
        learns = self.since != "none"
        return Capability(learns=learns, codes=bool(self.site_filter), sweeps=learns, page=self.page_size)

    def collections_of(self, level: str | None) -> Sequence[str]:
        """Return the collections that hold this level, or of which it is not said what they hold."""
        return [name for name in self.collections if level is None or level in (self.held(name) or (level,))]

    def held(self, collection: str) -> Sequence[Level]:
        """Return the levels that a collection holds by the settings; none where they do not say."""
        said = self.collections.get(collection, ()) if isinstance(self.collections, dict) else ()
        return [level(word) for word in said]

    def search(self, query: Query, http: Http) -> Iterator[Page]:
        """List what matches, page by page; ending without an error means that this was all.

        Raises `CatalogueError` when that cannot be proven, and when the server listed what was not asked for.
        What lies outside `query.geometry` but inside its bounds is listed too.
        """
        if query.learnt_since is not None:
            return news(self, query, http)
        return self.read(query, http, {})

    def read(self, query: Query, http: Http, since: Mapping[str, str]) -> Iterator[Page]:
        """List all that matches; `since` is asked as well. Raises `Deaf` when the server ignores that."""
        asked_for = query if since else msgspec.structs.replace(query, learnt_since=None)

        def ask(window: Window, number: int) -> Listing:
            asked = {**self.question(query), **since, **between(window), "page": str(number)}
            return self._listing(self.page(query.collection, asked, http), asked_for, window)

        def clear(window: Window, number: int) -> Listing:
            asked = {**self.question(query), **since, **CLEAR, **between(window), "page": str(number)}
            features = self.page(query.collection, asked, http)
            if any(map(clouded, features.features)):
                raise Odd(f"{self.url} ignored cloudCover")
            return self._listing(features, asked_for, window)

        def listing(ask: Ask, window: Window) -> Iterator[Page]:
            return complete(ask, window, size=self.page_size, most_requests=self.max_pages)

        pages = listing(ask, query.acquired)
        if query.brief:
            return pages
        return told_apart(pages, lambda window: listing(clear, window), lambda window: ask(window, 1))

    def question(self, query: Query) -> dict[str, str]:
        """Write what is asked for, and where, as parameters; not when."""
        asked = {}
        if query.level is not None:
            asked["processingLevel"] = self._word(query.collection, query.level)
        if query.code is not None:
            asked[self.site_filter] = query.code
        elif query.geometry is not None and (bounds := box(query.geometry)) is not None:
            asked["box"] = bounds
        return asked

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
        if self.name_filter and (around := self._around(name, http, collections)):
            return around, []
        known = [site for collection in collections for site in self._sites(collection, http, {})]
        found = chosen(name, known)
        return found, [] if found else nearest(name, known)

    def sites(self, http: Http) -> Iterator[Candidate]:
        """List every site that products name, with the ground that its products cover together.

        All of the collections is read. Raises `CatalogueError` as `search` does.
        """
        for collection in self.collections:
            yield from self._sites(collection, http, {}, ground=hull)

    def discover(self, http: Http) -> Iterator[Holding]:
        """List the server's collections, with what it says and shows of them."""
        return holdings(self, http)

    def check(self, http: Http) -> Iterator[Finding]:
        """Look at the server: that it answers, has the collections, and does what it is asked."""
        return look(self, http)

    def _around(self, name: str, http: Http, collections: Sequence[str]) -> list[Candidate]:
        """Return the sites around a town that the server's gazetteer knows, by the newest products there."""
        found: list[Candidate] = []
        for collection in collections:
            if self.page(collection, {self.name_filter: NONSENSE, "maxRecords": "1"}, http).size:
                continue  # it does not know the parameter, and would list the world
            features = self.page(collection, {self.name_filter: spoken(name)[1]}, http)
            products = self._listing(features, Query(collection), (None, None)).products
            found += candidates(collection, products, {})
        return found

    def _sites(
        self, collection: str, http: Http, asked: Mapping[str, str], *, ground: Ground = extent
    ) -> list[Candidate]:
        countries: dict[str, str] = {}

        def ask(window: Window, number: int) -> Listing:
            features = self.page(collection, {**asked, **between(window), "page": str(number)}, http)
            listing = self._listing(features, Query(collection), window)
            for feature, product in zip(features.features, listing.products, strict=True):
                if product.code and product.code not in countries and (country := country_of(feature)):
                    countries[product.code] = country
            return listing

        pages = complete(ask, (None, None), size=self.page_size, most_requests=self.max_pages)
        products = [product for listed in pages for product in listed]
        if products and not any(product.code for product in products):
            raise self._uncoded(collection)
        return candidates(collection, products, countries, ground=ground)

    def page(self, collection: str, asked: Mapping[str, str], http: Http) -> Features:
        """Ask for one page of a collection."""
        return page(http, self.base, collection, asked, size=self.page_size, site_filter=self._coded)

    def _listing(self, features: Features, query: Query, window: Window) -> Listing:
        """Turn features into products; refuse those that were not asked for."""
        collection, code = query.collection, query.code
        words = {word: Level(ours) for ours, word in self._words(collection).items()}
        word = None if query.level is None else self._word(collection, query.level)
        place = f"{self.base}/collections/{quote(collection, safe='')}"
        earliest, latest = window
        earliest = earliest - _TOLERANCE if earliest else None
        latest = latest + _TOLERANCE if latest else None
        products: list[Product] = []
        for feature in features.features:
            said = feature.properties
            known = query.known.get(feature.id)
            product = product_of(feature, place=place, collection=collection, levels=words, known=known)
            if isinstance(said.collection, str) and said.collection not in ("", collection):
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
        if self.since != "none":
            products = dated(products, features, by=self.since)
            if query.learnt_since is not None and any(
                one.learnt is None or one.learnt < query.learnt_since for one in products
            ):
                raise Deaf
        return Listing(products, features.total if self.counts else None, features.more, features.odd)

    def _uncoded(self, collection: str) -> CatalogueError:
        return CatalogueError(
            f"{self.url} lists products of {collection} without the property {self._coded}:"
            " they cannot be told apart by site",
            hint="set site_filter to the parameter by which this server names sites, or watch by geometry",
            permanent=True,
        )

    def _word(self, collection: str, level: str) -> str:
        return self._words(collection).get(level) or _WORDS.get(level, level)

    def _words(self, collection: str) -> dict[str, str]:
        own = self.levels.get(collection)
        words = {ours: word for ours, word in self.levels.items() if isinstance(word, str)}
        return words | own if isinstance(own, dict) else words

    @property
    def _coded(self) -> str:
        """The property by which products name their site; any will do where they name none."""
        return self.site_property or self.site_filter or "zone_geo"

    @property
    def base(self) -> str:
        """The address without a slash behind."""
        return self.url.rstrip("/")


def _ignored(filtered: str, asked: str, received: object, product: Product, hint: str | None = None) -> CatalogueError:
    return CatalogueError(
        f"the server ignored {filtered}: asked for {asked}, it listed {received} ({plain(product.title)})",
        hint=hint or "until it filters, nothing it lists can be trusted; is there a typo in a setting?",
        permanent=True,
    )
