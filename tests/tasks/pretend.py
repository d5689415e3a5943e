"""A catalogue in memory: it fulfils `watcher.plugins.Catalogue`, and fails as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import cast

from watcher.core.ground.matching import matches
from watcher.errors import CatalogueError
from watcher.model import Candidate, Capability, Finding, Holding, Page, Product, Query, Site, Watch
from watcher.net import Http

NOBODY = cast("Http", SimpleNamespace(asked=0, received=0))
"""The HTTP client of a catalogue that asks nobody."""


class Pretend:
    """Lists `products` (by id) in pages of `size`; before each page it does what `before_page` does.

    `codes`, `learns`, `sweeps`, `places` and `page` are its capability. With `ignores_filters` it lists everything
    whatever was asked.
    """

    url = "http://127.0.0.1:1/pretend"

    def __init__(
        self,
        *listed: Product,
        learns: bool = False,
        codes: bool = True,
        size: int = 2,
        ignores_filters: bool = False,
        sweeps: bool = False,
        places: int = 1,
        page: int = 100,
    ) -> None:
        self.products = {product.id: product for product in listed}
        self.can = Capability(learns=learns, codes=codes, sweeps=sweeps, places=places, page=page)
        self.size, self.learns, self.codes, self.ignores_filters = size, learns, codes, ignores_filters
        self.asked: list[Query] = []
        self.before_page: Callable[[int, Query], None] = lambda number, query: None

    def list(self, *listed: Product) -> None:
        """Publish products, or newer descriptions of them."""
        self.products |= {product.id: product for product in listed}

    def breaks(self, error: BaseException | None = None, *, after: int = 0, code: str | None = None) -> None:
        """Fail before the page after so many pages (of that site only), until told otherwise by `mend`."""

        def before(number: int, query: Query) -> None:
            if number == after and code in (None, query.code):
                raise error or CatalogueError("cut off")

        self.before_page = before

    def mend(self) -> None:
        self.before_page = lambda number, query: None

    def capability(self) -> Capability:
        return self.can

    def collections_of(self, level: str | None) -> Sequence[str]:
        return sorted({product.collection for product in self.products.values()})

    def search(self, query: Query, http: Http) -> Iterator[Page]:
        self.asked.append(query)
        found = [product for product in self.products.values() if self.ignores_filters or answers(product, query)]
        for number in range(0, max(len(found), 1), self.size):
            self.before_page(number // self.size, query)
            yield found[number : number + self.size]
        self.before_page(-1, query)

    def locate(self, name: str, http: Http, *, collections: Sequence[str]) -> tuple[Sequence[Candidate], Sequence[str]]:
        return [], []

    def discover(self, http: Http) -> Iterator[Holding]:
        for name in self.collections_of(None):
            yield Holding(name)

    def check(self, http: Http) -> Iterator[Finding]:
        yield Finding(self.url, True, "pretends")


def answers(product: Product, query: Query) -> bool:
    """Say whether a product is what a query asks for."""
    first, last = query.acquired
    return (
        product.collection == query.collection
        and query.level in (None, product.level)
        and query.code in (None, product.code)
        and (query.geometry is None or _covers(product.geometry, query.geometry))
        and not _before(product.learnt, query.learnt_since)
        and not _before(product.acquired, first)
        and not _before(last, product.acquired)
    )


@lru_cache
def _covers(footprint: bytes | None, geometry: bytes) -> bool:
    product = Product("SPOT5", "P1", "", None, None, "", geometry=footprint)
    return bool(matches([product], [Watch(1, Site(1, "", geometry, None, ""), "", "SPOT5", None)]))


def _before(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one < other
