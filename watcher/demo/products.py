"""The pretend products, and when the pretend ground segment published each of them.

Everything here is a constant: the same names, times, clouds and footprints at every start. A product that was
processed again is two values with one identifier, the first of which is `withdrawn` shortly before the second
is published: a resto server never updates a row, it deletes and inserts.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from watcher.demo.sites import SITES, Site

NAMESPACE = uuid.UUID("92708059-2077-45a3-a4f3-1eb428789cff")
"""resto's namespace for UUIDs made from names (the same on every server)."""

L1C, L2A = "LEVEL1C", "LEVEL2A"


def named(collection: str, text: str) -> str:
    """Resto's UUID for something of a collection: version 5, over `{collection}:{text}`."""
    return str(uuid.uuid5(NAMESPACE, f"{collection}:{text}"))


def drawn(seed: str, low: int, high: int) -> int:
    """A whole number in [low, high] that looks drawn by chance and is always the same for one seed."""
    return low + int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]) % (high - low + 1)


@dataclass(frozen=True)
class Product:
    """One processing of one acquisition.

    Times are UTC. `cloud` is percent, `None` when the ground segment did not say; `sized` says whether the
    catalogue knows the file's size and checksum.
    """

    site: Site
    level: str
    acquired: datetime
    published: datetime
    withdrawn: datetime | None = None
    version: str = "1.0"
    cloud: int | None = 0
    sized: bool = True

    @cached_property
    def ident(self) -> str:
        """The product's name: `SPOT5_HRG1_XS_20150629_N2A_PornicD0000B0000`."""
        kind = "N2A" if self.level == L2A else "N1_TUILE"
        return f"{self.platform}_{self.instrument}_XS_{self.acquired:%Y%m%d}_{kind}_{self.site.code}D0000B0000"

    @cached_property
    def id(self) -> str:
        """The feature's UUID, which follows from collection and name alone: reprocessing keeps it."""
        return named(self.site.collection, self.ident.upper())

    @property
    def platform(self) -> str:
        """`SPOT5` or `SPOT4`."""
        return self.site.collection

    @property
    def instrument(self) -> str:
        """The camera: one of the satellite's two."""
        if self.platform == "SPOT4":
            return "HRVIR1"
        return f"HRG{drawn(f'{self.site.code} {self.acquired:%F} camera', 1, 2)}"

    @property
    def kind(self) -> str:
        """The product type."""
        return "REFLECTANCE" if self.level == L2A else "REFLECTANCETOA"

    @property
    def resolution(self) -> int:
        """The size of a pixel on the ground, metres."""
        return 10 if self.platform == "SPOT5" else 20

    @property
    def produced(self) -> datetime:
        """When it was processed: always some hours before it was published."""
        return self.published - timedelta(hours=7)

    @cached_property
    def ring(self) -> tuple[tuple[float, float], ...]:
        """The footprint's outer ring, (longitude, latitude), clockwise from the north-west and closed."""
        drift = drawn(f"{self.site.code} {self.acquired:%F} drift", -99_000_000, 99_000_000) / 1e10
        west, south, east, north = self.site.bounds(drift)
        low, high = round(south + 0.01, 2), round(north - 0.01, 2)
        return (west, north), (east, high), (east, south), (west, low), (west, north)


OPENING = datetime(2015, 6, 3, 6, tzinfo=UTC)
"""When the story begins: the L1C are online, the L2A follow."""
CLOSING = datetime(2015, 6, 20, tzinfo=UTC)
"""When the story has been told."""

_ABSENT = timedelta(minutes=90)
_REPROCESSED = ("Pornic", L2A, "04-20")
_CLOUD_UNKNOWN = ("Mooreesburg", L2A, "05-24")
_SIZE_UNKNOWN = ("Litchfield", L2A, "05-28")

_STORY = """
06-03T14:05 Litchfield  LEVEL2A 05-23
06-04T07:40 Pornic      LEVEL2A 05-25
06-04T16:20 Mooreesburg LEVEL2A 05-24
06-05T13:55 Litchfield  LEVEL2A 05-03
06-06T09:15 Mooreesburg LEVEL1C 06-03
06-07T10:30 Pornic      LEVEL1C 06-04
06-08T08:10 Litchfield  LEVEL2A 05-28
06-09T15:45 Pornic      LEVEL2A 05-30
06-10T03:30 Litchfield  LEVEL1C 06-07
06-10T09:30 Pornic      LEVEL2A 04-20
06-11T11:05 Mooreesburg LEVEL2A 04-14
06-12T07:25 Mooreesburg LEVEL1C 06-08
06-13T14:50 Litchfield  LEVEL2A 06-02
06-14T09:35 Pornic      LEVEL1C 06-09
06-15T16:40 Mooreesburg LEVEL2A 05-29
06-16T08:20 Litchfield  LEVEL1C 06-12
06-17T13:10 Pornic      LEVEL2A 06-04
06-18T10:55 Litchfield  LEVEL2A 06-07
"""
"""What is published in June (UTC): out of the order of acquisition, as ground segments do."""

_TOLD = {
    (code, level, day): datetime.fromisoformat(f"2015-{at}:{drawn(at, 0, 59):02}+00:00")
    for at, code, level, day in (line.split() for line in _STORY.split("\n") if line)
}


def _acquisitions(site: Site) -> Iterator[datetime]:
    for turn in range(site.passes):
        day = site.first + timedelta(days=5 * turn)
        at = datetime.combine(day, site.overpass, UTC)
        yield at.replace(second=drawn(f"{site.code} {day}", 0, 59))


def _published(site: Site, level: str, acquired: datetime) -> datetime:
    key = (site.code, level, f"{acquired:%m-%d}")
    seed = f"{key} {acquired:%F} published"
    if site.collection == "SPOT4":
        return acquired + timedelta(days=90, seconds=drawn(seed, 0, 86_400))
    if key in _TOLD and key != _REPROCESSED:
        return _TOLD[key]
    if level == L1C and acquired < OPENING - timedelta(hours=6):
        return min(acquired + timedelta(hours=10, seconds=drawn(seed, 0, 72_000)), OPENING - timedelta(minutes=30))
    if level == L2A and acquired < datetime(2015, 5, 21, tzinfo=UTC):
        return datetime(2015, 5, 26, tzinfo=UTC) + timedelta(seconds=drawn(seed, 0, 6 * 86_400))
    july = max(acquired + timedelta(days=12), datetime(2015, 7, 1, tzinfo=UTC))
    return july + timedelta(seconds=drawn(seed, 0, 5 * 86_400))


def _products(sites: Iterable[Site]) -> Iterator[Product]:
    for site in sites:
        for acquired in _acquisitions(site):
            day = f"{acquired:%m-%d}"
            clear = drawn(f"{site.code} {acquired:%F} sky", 0, 99) < 40
            cloud = 0 if clear else drawn(f"{site.code} {acquired:%F} cloud", 1, 94)
            for level in (L1C, L2A):
                key = (site.code, level, day)
                product = Product(
                    site,
                    level,
                    acquired,
                    _published(site, level, acquired),
                    cloud=None if key == _CLOUD_UNKNOWN else cloud,
                    withdrawn=_TOLD[key] - _ABSENT if key == _REPROCESSED else None,
                    sized=key != _SIZE_UNKNOWN,
                )
                yield product
                if key == _REPROCESSED:
                    yield Product(site, level, acquired, _TOLD[key], version="1.1", cloud=cloud)


PRODUCTS = tuple(_products(SITES))


def offered(products: Iterable[Product], now: datetime) -> list[Product]:
    """What the catalogue lists at a pretend time."""
    return [p for p in products if p.published <= now and (p.withdrawn is None or now < p.withdrawn)]
