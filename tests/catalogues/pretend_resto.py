"""A small resto with all its weaknesses, and a complete memory of what it holds."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.catalogues.loopback import Asked, Reply
from tests.catalogues.replay import collection

APRIL = datetime(2015, 4, 10, 1, 30, tzinfo=UTC)
NAMES = b'{"collections":[{"name":"SPOT4"},{"name":"SPOT5"}],"statistics":[]}'


class Held(NamedTuple):
    """One product as the server's database has it."""

    id: str
    acquired: datetime
    level: str = "LEVEL2A"
    code: str = "Litchfield"
    collection: str = "SPOT5"
    country: str = "Australia"

    def feature(self, **more: Any) -> dict[str, Any]:
        properties = {
            "collection": self.collection,
            "productIdentifier": f"SPOT5_{self.id}",
            # resto 2.0 shows whole seconds of what its database keeps in full.
            "startDate": self.acquired.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "processingLevel": self.level,
            "zone_geo": self.code,
            "updated": "2015-07-09T17:13:00Z",
            "published": "2015-07-09T17:13:00Z",
            "keywords": {"8f36": {"name": self.country, "type": "country", "value": 100}},
            "services": {"download": {"url": "http://elsewhere.example/x"}},
        }
        ring = [[130.5, -13.5], [131.1, -13.5], [131.1, -12.9], [130.5, -12.9], [130.5, -13.5]]
        return {
            "type": "Feature",
            "id": self.id,
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {**properties, **more},
        }


class Pretend:
    """The server.

    It sorts by acquisition only: what ties comes in another order each time. `cap` is the most it gives in a page;
    `counts` is "exact", "estimate" (and says so) or "none"; `links` whether it links a next page; `loops` the page
    from which it gives the first one again; `ignores` are parameters that it does not know; `arriving` are put
    among what it holds one by one, one before each request.
    """

    def __init__(
        self,
        held: list[Held],
        *,
        seed: int = 0,
        cap: int = 500,
        counts: str = "exact",
        links: bool = True,
        loops: int | None = None,
        ignores: tuple[str, ...] = (),
        arriving: tuple[Held, ...] = (),
    ) -> None:
        self.held, self.arriving = list(held), list(arriving)
        self.cap, self.counts, self.links, self.loops, self.ignores = cap, counts, links, loops, ignores
        self.chance = random.Random(seed)
        self.requests = 0

    def page(self, found: list[Held], number: int, size: int) -> tuple[list[Held], int | None, bool | None, bool]:
        """Return one page of what was found, the total, whether that is exact, and whether a next is linked."""
        size = min(size, self.cap)
        if self.loops is not None and number >= self.loops:
            number = 1
        order = sorted(found, key=lambda held: (held.acquired, self.chance.random()), reverse=True)
        page = order[(number - 1) * size : number * size]
        more = self.links and len(page) == size
        if self.counts == "none" or not page:
            return page, None, None, more
        if self.counts == "estimate":
            return page, self.chance.randrange(1, 2 * len(found) + 1), False, more
        return page, len(found), None, more and number * size < len(found)

    def found(self, asked: dict[str, str], collection: str) -> list[Held]:
        """Return what matches a question."""
        self.requests += 1
        if self.arriving:
            self.held.append(self.arriving.pop())
        known = {name: value for name, value in asked.items() if name not in self.ignores}
        start = datetime.fromisoformat(known.get("startDate", "0001-01-01T00:00:00Z"))
        end = datetime.fromisoformat(known.get("completionDate", "9999-01-01T00:00:00Z"))
        return [
            held
            for held in self.held
            if start <= held.acquired <= end
            and ("collection" in self.ignores or held.collection == collection)
            and _like(held.level, known.get("processingLevel"))
            and _like(held.code, known.get("zone_geo"))
        ]

    def __call__(self, asked: Asked) -> Reply:
        if asked.path.endswith("/collections.json"):
            return Reply(200, NAMES)
        name = asked.path.split("/")[-2]
        if name not in ("SPOT4", "SPOT5"):
            return Reply(404, b'{"ErrorMessage":"Not Found","ErrorCode":404}')
        found = self.found(asked.query, name)
        number, size = int(asked.query.get("page", "1")), int(asked.query["maxRecords"])
        page, total, exact, more = self.page(found, number, size)
        return collection([self.feature(held) for held in page], total=total, exact=exact, more=more)

    def feature(self, one: Held) -> dict[str, Any]:
        """Describe a product."""
        return one.feature()


def season(count: int, *, per_second: int = 2, **more: Any) -> list[Held]:
    """Return products of as many seconds as it takes, `per_second` in each, five days apart."""
    return [
        Held(
            f"{more.get('code', 'Litchfield')}-{more.get('collection', 'SPOT5')}-{number:05d}",
            APRIL + timedelta(days=5 * (number // per_second)),
            **more,
        )
        for number in range(count)
    ]


def _like(value: str, wanted: str | None) -> bool:
    if wanted is None:
        return True
    return value.startswith(wanted[:-1]) if wanted.endswith("%") else value == wanted
