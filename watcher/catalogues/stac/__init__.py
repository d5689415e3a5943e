"""STAC API catalogues: the search of STAC API 1.0 (item-search, with the query, filter and sort extensions).

`features`, `assets`, `buckets` and `bundles` read an answer, `writing` writes a question, `questions` asks one and
judges what comes back, `walks` reads all there is and proves it, `items` asks for one product, `holdings` lists
collections, `checks` and `paging` look at a server for `watcher check`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from watcher.catalogues.stac.assets import chosen
from watcher.catalogues.stac.buckets import Reached
from watcher.catalogues.stac.checks import look
from watcher.catalogues.stac.features import Feature, product
from watcher.catalogues.stac.holdings import holdings
from watcher.catalogues.stac.items import again
from watcher.catalogues.stac.walks import Walk
from watcher.core.unread import beside
from watcher.errors import CatalogueError
from watcher.levels import may_hold
from watcher.model import Candidate, Capability, Finding, Holding, Level, Page, Product, Query, level

if TYPE_CHECKING:
    from watcher.net import Http


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A STAC API.

    `url` is its landing page. `collections` gives for each collection the level of its products, "" to read
    it from their `product:type` or `processing:level`.

    `cursor` is the property that says when the catalogue learnt of a product; "none" where there is no such
    property, or it cannot be filtered by: then acquisition windows are read again and again. `filter` is how
    that property is filtered by: the query extension, or the filter extension's CQL2 (as JSON in a POST, as
    text in a GET), or the parameters of a resto server, of version 10 or later ("resto") or 6 to 9 ("resto6"),
    which is asked by GET. `sort` asks in its order, by which long answers are read without trusting links.

    `limit` is the products on a page, `max_pages` the requests after which a walk is given up, `places` how many
    places one question may hold (in a GET it is one: an address has to be short). `fields` says that the server has
    the fields extension: then questions about identities alone ask for less of each product.

    `assets` are the assets to download: keys, patterns of keys (`B0?`) or roles (`role:data`). Without any it is the
    product's zip or tar, if it has exactly one; single bands are never taken unasked. Assets that are not at an http
    address are left out; those in S3 buckets have one, too, once `s3` names the endpoint at which buckets are reached.
    `bundles` is the address at which the bundles of Landsat scenes are asked for, by their `landsat_product_id`: where
    no `assets` are named it is the bundle that is downloaded.
    """

    url: str
    collections: dict[str, str]
    cursor: Literal["published", "updated", "created", "none"] = "updated"
    method: Literal["POST", "GET"] = "POST"
    filter: Literal["query", "cql2", "resto", "resto6"] = "query"
    sort: bool = True
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    assets: list[str] = []
    max_pages: Annotated[int, msgspec.Meta(ge=1)] = 200
    places: Annotated[int, msgspec.Meta(ge=1)] = 50
    fields: bool = False
    s3: str = ""
    bundles: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("url must be the address of the landing page alone, without user, query or fragment")
        if self.s3 and (urlsplit(self.s3).scheme not in ("https", "http") or not urlsplit(self.s3).hostname):
            raise ValueError("s3 must be the https address of an endpoint, without a bucket")
        if self.bundles and (
            urlsplit(self.bundles).scheme not in ("https", "http")
            or not urlsplit(self.bundles).hostname
            or "?" in self.bundles
        ):
            raise ValueError("bundles must be an https address, without a query")
        if not self.collections:
            raise ValueError("collections must name at least one collection")
        if self.filter.startswith("resto") and self.cursor not in ("created", "none"):
            raise ValueError(f'filter = "{self.filter}" can filter by cursor = "created" only, or "none"')

    @property
    def posts(self) -> bool:
        """Say whether questions are sent by POST: resto's own parameters are those of a GET."""
        return self.method == "POST" and not self.filter.startswith("resto")

    def capability(self) -> Capability:
        """A cursor makes it learn, also without a place; it has no codes for sites."""
        learns = self.cursor != "none"
        return Capability(
            learns=learns, codes=False, sweeps=learns, places=self.places if self.posts else 1, page=self.limit
        )

    def collections_of(self, level: str | None) -> Sequence[str]:
        """Return the collections that hold, or may hold, products of this level."""
        return may_hold(self.collections, level)

    def search(self, query: Query, http: Http) -> Iterator[Page]:
        """List what matches, each product once.

        Ends without an error only if the answer was complete: see `Walk`. Raises `CatalogueError` if it was
        not, if the server listed what was not asked for, or does not know the collection.
        """
        if query.learnt_since is not None and self.cursor == "none":
            raise CatalogueError(
                f'{self.url} was asked what it learnt since a time, but its cursor is "none"',
                hint="set cursor to the property that says when the catalogue learnt of a product",
                permanent=True,
            )
        levels = self._levels()
        for features, odd in Walk(self, query, http).pages():
            products = [self._product(feature, levels) for feature in features]
            # The level is no part of the question: a collection has one, save where each item says its own.
            yield beside([one for one in products if query.level is None or one.level in (None, query.level)], odd)

    def choose(self, product: Product, choices: Sequence[Sequence[str]], http: Http) -> Product:
        """Ask for the item of a product, and return it with the assets that any of the choices wants, each once.

        Raises `UsageError` as `chosen` does, `CatalogueError` when the item is gone, or another came.
        """
        feature = again(self, http, product)
        now = self._product(feature, self._levels())
        files = Reached(feature.files, self.s3) if self.s3 else feature.files
        picked = [chosen(files, words, product.title) if words else now.assets for words in choices]
        return msgspec.structs.replace(now, assets=tuple({one.key: one for some in picked for one in some}.values()))

    def _levels(self) -> dict[str, Level]:
        return {name: level(text) for name, text in self.collections.items() if text}

    def _product(self, feature: Feature, levels: Mapping[str, Level]) -> Product:
        return product(
            feature,
            cursor=self.cursor,
            levels=levels,
            assets=self.assets,
            url=self.url,
            s3=self.s3,
            bundles=self.bundles,
        )

    def locate(self, name: str, http: Http, *, collections: Sequence[str]) -> tuple[Sequence[Candidate], Sequence[str]]:  # noqa: ARG002
        """Find nothing: a STAC API knows no sites by name."""
        return [], []

    def discover(self, http: Http) -> Iterator[Holding]:
        """List the collections that the server has; their levels as set here, or by what it says of them."""
        return holdings(self, http)

    def check(self, http: Http) -> Iterator[Finding]:
        """Look whether the server can be asked as configured, and say what to set if it cannot."""
        return look(self, http)
