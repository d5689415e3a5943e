"""A feed as a value, and an arrival in it: what every format says of them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid5

import msgspec

from watcher.core.production import Acquisition
from watcher.core.production.expected import Expected
from watcher.core.wording import Told, lines, safe_link
from watcher.model import Event, Product
from watcher.names import plain

ATOM, JSON, CALENDAR, GEOJSON, STAC = (
    "arrivals.atom",
    "arrivals.json",
    "acquisitions.ics",
    "arrivals.geojson",
    "collection.json",
)
"""The names of the files of a feed."""

_SPACE = UUID("5f0f7a3e-7d0c-5a55-9c5e-0a4b8a6f1f6d")
_SECRET = re.compile(
    r"(token|signature|secret|password|passwd|credential|api_?key|auth)|^(key|sig|sv|se|sp|tk|_tk)$", re.IGNORECASE
)


class Came(msgspec.Struct, frozen=True):
    """An arrival: what happened where and when, to which product; `cause` is why it was withdrawn."""

    site: str
    event: Event
    arrived: datetime
    catalogue: str
    product: Product
    cause: str | None = None
    coverage: float | None = None

    @property
    def urn(self) -> str:
        """What tells it from every other arrival, also after the database was made anew."""
        product = self.product
        return urn(self.site, self.catalogue, product.collection, product.id, product.revision, self.event.value)


class Entry(msgspec.Struct, frozen=True):
    """An arrival in words that are safe to show, and its links, made anew from their parts."""

    title: str
    summary: str
    link: str | None
    quicklook: str | None


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """The newest arrivals at one site, or at all of them (`site` is `None`), the newest first.

    `since` is when the site was added, for a feed without arrivals. `url` is where its directory can be read, ending in
    `/`; `None` where nobody knows. `seen` are the acquisitions of the sites by name, and `expected` those to come.
    """

    site: str | None
    since: datetime
    came: Sequence[Came] = ()
    url: str | None = None
    seen: Sequence[tuple[str, Acquisition]] = ()
    expected: Sequence[tuple[str, Expected]] = ()
    geometry: bytes | None = None

    @property
    def title(self) -> str:
        """What it is called."""
        return f"Arrivals at {plain(self.site, limit=100)}" if self.site is not None else "Arrivals at every site"

    @property
    def urn(self) -> str:
        """What tells it from every other feed: its address, where it has one."""
        return urn("feed", self.url or self.site or "")

    @property
    def updated(self) -> datetime:
        """When something last arrived."""
        return max((came.arrived for came in self.came), default=self.since)

    def href(self, name: str) -> str | None:
        """Return where a file of it can be read."""
        return None if self.url is None else f"{self.url}{name}"


def urn(*parts: str) -> str:
    """Return an identifier that follows from its parts (RFC 9562 §5.5)."""
    return f"urn:uuid:{uuid5(_SPACE, json.dumps(parts))}"


def entry(came: Came) -> Entry:
    """Put an arrival into words."""
    said = lines(Told(came.event, came.site, came.product, came.catalogue, cause=came.cause, coverage=came.coverage))
    summary = said.facts
    if came.event in (Event.WITHDRAWN, Event.RETURNED):
        summary = f"{summary}; {said.where}"
    site = plain(came.site, limit=100)
    return Entry(f"{said.what} at {site}: {said.title}", summary, link(came.product.link), link(came.product.quicklook))


def link(url: str | None) -> str | None:
    """Return a link that anybody may see: http or https, without what looks like a key; `None` for any other."""
    safe = safe_link(url)
    if safe is None:
        return None
    said = parse_qsl(urlsplit(safe).query, keep_blank_values=True)
    return safe.partition("?")[0] if any(_SECRET.search(name) for name, _ in said) else safe


def percent(cloud: float | None) -> float | None:
    """Return a cloud cover that can be one."""
    return cloud if cloud is not None and 0 <= cloud <= 100 else None


def tags(came: Came) -> list[str]:
    """Return the words that an arrival is sorted by: what happened, the level, the site, the collection."""
    words = (came.event.value, came.product.level, came.site, came.product.collection)
    return list(dict.fromkeys(plain(word, limit=100) for word in words if word))
