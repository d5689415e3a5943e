"""What the tests of core, store and tasks begin with: a product, a site, a watch, a clock, a database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from watcher.core.audience import Owed
from watcher.core.decide import Arrival, Decision
from watcher.core.identity.acquisitions import key
from watcher.core.identity.revisions import token
from watcher.model import Asset, Event, Level, Product, Site, Subscription, Watch
from watcher.store import deliveries, products, sites, subscriptions, watching
from watcher.store.connection import connect, writing

T = TypeVar("T", bound=msgspec.Struct)

NOW = datetime(2015, 6, 12, 6, tzinfo=UTC)
ACQUIRED = datetime(2015, 5, 30, 11, 12, 3, tzinfo=UTC)
L1C, L2A = Level("L1C"), Level("L2A")
FILE = Asset("product", "http://127.0.0.1:1/product.zip", type="application/zip", size=10)


class Clock:
    """A clock that is asked like a real one: each answer is a little later than the last."""

    def __init__(self, start: datetime = NOW) -> None:
        self.time = start

    def __call__(self) -> datetime:
        self.time += timedelta(milliseconds=5)
        return self.time

    def forward(self, **step: float) -> None:
        self.time += timedelta(**step)


def version(number: int, *, checksum: str | None = None) -> str:
    """The token of a product's first, second… processing."""
    made = f"2015-06-0{number}T00:00:00Z"
    return token(updated=made, produced=made, version=f"{number}.0", checksum=checksum, size=None)


def product(ident: str = "P1", **facts: Any) -> Product:
    level = facts.setdefault("level", L2A)
    usual: dict[str, Any] = {
        "collection": "SPOT5",
        "id": ident,
        "title": f"SPOT5_{ident}_{level}",
        "acquired": ACQUIRED,
        "revision": version(1),
        "code": "Pornic",
        "assets": (FILE,),
    }
    return Product(**(usual | facts))


def box(west: float, south: float, east: float, north: float) -> bytes:
    """A GeoJSON polygon of these corners."""
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]}).encode()


def site(number: int = 1, name: str = "Pornic", geometry: bytes | None = None) -> Site:
    return Site(number, name, geometry, "France", "a test")


def watch(number: int = 1, at: Site | None = None, **terms: Any) -> Watch:
    """A watch past its baseline, by code."""
    where = at or site()
    usual: dict[str, Any] = {
        "catalogue": "take5",
        "collection": "SPOT5",
        "level": L2A,
        "code": where.name,
        "baselined": NOW,
    }
    return Watch(number, where, **(usual | terms))


def subscription(number: int = 1, address: str = "mail:jane@example.org", **terms: Any) -> Subscription:
    return Subscription(number, address, "", **terms)


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(path)) as db:
        yield db


def add_watch(db: sqlite3.Connection, name: str = "Pornic", **terms: Any) -> Watch:
    """Store a watch of a site, by code unless the site has a geometry; return it as it is read back."""
    geometry = terms.pop("geometry", None)
    usual: dict[str, Any] = {
        "catalogue": "take5",
        "collection": "SPOT5",
        "level": L2A,
        "code": None if geometry else name,
        "max_cloud": None,
        "since": None,
        "download": None,
        "announce": False,
        "now": NOW,
    }
    chosen = usual | terms
    with writing(db):
        place = sites.add(db, name, geometry=geometry, country=None, origin="a test", now=NOW)
        watching.watch(db, place, **chosen)
    return next(
        w
        for w in watching.watches(db, catalogue=chosen["catalogue"], collection=chosen["collection"], paused=True)
        if w.site.number == place.number and w.level == chosen["level"]
    )


def add_subscription(
    db: sqlite3.Connection,
    address: str = "mail:jane@example.org",
    *,
    at: Sequence[Site] | None = None,
    **terms: Any,
) -> int:
    terms["sites"] = None if at is None else tuple(place.number for place in at)
    terms["levels"] = tuple(terms.get("levels", ()))
    with writing(db):
        return subscriptions.add(db, Subscription(0, address, "", **terms), now=NOW)


def rows(db: sqlite3.Connection, sql: str, values: Iterable[Any] | Mapping[str, Any] = ()) -> list[Any]:
    """What a query returns; bare values where it has one column."""
    found = db.execute(sql, values if isinstance(values, Mapping) else tuple(values)).fetchall()
    return [row[0] if len(row) == 1 else row for row in found]


def announced(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """All arrivals in order: site, product id, event."""
    return rows(
        db,
        "SELECT s.name, r.id, a.event FROM arrivals AS a JOIN sites AS s ON s.number = a.site"
        " JOIN revisions AS r ON r.number = a.revision ORDER BY a.number",
    )


def changed(value: T, **facts: Any) -> T:
    """The same value but for these facts."""
    return msgspec.structs.replace(value, **facts)


def owe(db: sqlite3.Connection, place: int, listed: Product, *owed: Owed) -> int:
    """Let a product arrive at a site and owe it; return the number of the arrival."""
    with writing(db):
        revision = products.first_free(db)
        collection = watching.collection_number(db, "take5", "SPOT5")
        keys = {revision: key(listed)}
        products.record(db, collection, Decision([(revision, listed)], [], [], [], [], [], set(), keys=keys), now=NOW)
        arrivals = products.arrive(db, [Arrival(place, revision, Event.NEW, owed, False)], now=NOW)
        deliveries.owe(db, arrivals, now=NOW)
        return arrivals[0][0]
