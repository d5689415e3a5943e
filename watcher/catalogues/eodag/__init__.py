"""The providers that the eodag library knows (https://github.com/CS-SI/eodag): an extra, `eo-watcher[eodag]`.

eodag searches by itself, with connections of its own: what `[catalogues.NAME]` says of gaps, proxies and certificates
holds for downloads only. Most providers cannot be asked for news through it, so windows of acquisition are read again.

`library` is where eodag itself is, `walk` reads all there is, `products` reads what it lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from watcher.catalogues.eodag.library import Library, library
from watcher.catalogues.eodag.walk import listed
from watcher.errors import CatalogueError, WatcherError
from watcher.model import Candidate, Capability, Finding, Holding, Level, Page, Query, level

if TYPE_CHECKING:
    from watcher.net import Http


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider of eodag.

    `provider` is its name there. `collections` gives for each of eodag's collections to look into the level of its
    products, "" to read it from them; without any, all that eodag knows of the provider. `assets` are the keys of the
    assets to download, as eodag names them: after their files, `*` is anything. Without any it is the product's
    archive, if it has just one. `page_size` is the number of products on a page.

    `config` is eodag's own file (``eodag.yml``), with the credentials of providers that want them for searching; the
    user's, if not given. `settings` are put over eodag's settings of the provider.
    """

    provider: str
    collections: dict[str, str] = {}
    assets: list[str] = []
    page_size: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    max_pages: Annotated[int, msgspec.Meta(ge=1)] = 200
    config: str = ""
    settings: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """The address that eodag asks."""
        return self.library.url

    @property
    def library(self) -> Library:
        """The library, set up for this provider; raises `ConfigError` where it is not installed or not possible."""
        return library(self.provider, self.config, msgspec.json.encode(self.settings))

    def capability(self) -> Capability:
        """It is not asked for news, and knows no sites."""
        return Capability(learns=False, codes=False, page=self.page_size)

    def collections_of(self, level: str | None) -> Sequence[str]:
        """Return the collections that hold this level, or do not say which they hold."""
        names = self.collections or {holding.collection: "" for holding in self.library.holdings()}
        return [name for name in names if level is None or self.level_of(name) in (level, None)]

    def level_of(self, collection: str) -> Level | None:
        """Return the level of a collection: by the settings, else as eodag knows it."""
        if said := self.collections.get(collection):
            return level(said)
        known = {holding.collection: holding.levels for holding in self.library.holdings()}
        return next(iter(known.get(collection, ())), None)

    def search(self, query: Query, http: Http) -> Iterator[Page]:
        """List what matches, each product once; ending without an error means that this was all.

        Raises `CatalogueError` when that is not certain, and when what was listed was not asked for.
        """
        del http  # eodag has its own
        if query.learnt_since is not None:
            raise CatalogueError(
                f"{self.provider} was asked what it learnt since a time, which eodag cannot ask", permanent=True
            )
        return listed(self, query)

    def locate(self, name: str, http: Http, *, collections: Sequence[str]) -> tuple[Sequence[Candidate], Sequence[str]]:
        """Find nothing: eodag's providers know no sites by name."""
        del name, http, collections
        return [], []

    def discover(self, http: Http) -> Iterator[Holding]:
        """List the collections of the provider that eodag knows."""
        del http
        return iter(self.library.holdings())

    def check(self, http: Http) -> Iterator[Finding]:
        """Say whether eodag is there and knows the provider and the collections, and whether these can be searched."""
        del http
        try:
            known = [holding.collection for holding in self.library.holdings()]
        except WatcherError as error:
            yield Finding("eodag", False, str(error), error.hint)
            return
        yield Finding("eodag", True, f"{self.library.version}; it knows {len(known)} collections of {self.provider}")
        for name in self.collections or known[:1]:
            try:
                count = self.library.count(name)
            except CatalogueError as error:
                yield Finding(name, False, str(error), error.hint)
            else:
                told = "does not count: each answer is asked for twice" if count is None else f"counts {count} products"
                yield Finding(name, True, f"can be searched, and {told}")
