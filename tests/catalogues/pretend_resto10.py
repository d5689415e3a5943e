"""A STAC search with resto 10's own ideas of parameters, order and cursors, as they were recorded of version 10.1.5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from tests.catalogues.loopback import Asked, Reply

Item = dict[str, Any]
START = datetime(2015, 6, 1, tzinfo=UTC)
KNOWN = {"collections", "limit", "intersects", "datetime", "created_start", "created_end", "sortby", "next", "page"}


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def item(number: int, *, created: float | None = None, acquired: float | None = None) -> Item:
    """Return a product; the catalogue learnt of it a minute after the one before, it was acquired in another order."""
    name = f"SPOT5_HRG2_XS_2015{number:04}_N2A_PornicD0000B0000"
    learnt = at(number if created is None else created)
    return {
        "type": "Feature",
        "id": f"c026ae92-7b1b-5ece-9021-{number:012}",
        "collection": "SpotTake5",
        "geometry": {"type": "Polygon", "coordinates": [[[-2.5, 47.3], [-2.5, 46.8], [-1.6, 46.8], [-2.5, 47.3]]]},
        "properties": {
            "title": name,
            "datetime": at(-10_000 - (number * 37 % 101) * 60 if acquired is None else acquired),
            "created": learnt,
            "updated": learnt,
            "processing:level": "LEVEL2A",
        },
        "links": [],
        "assets": [],
    }


def series(count: int) -> list[Item]:
    return [item(number) for number in range(count)]


@dataclass
class Pretend:
    """Items of a collection "SpotTake5" by `GET /search`; `before` is called with the parameters of each search first.

    It sorts by acquisition, or by `created` with `sortby`: the newest first, with a minus the oldest first. `next` is
    a cursor: what is older than it. That is right in the one order and wrong in the other. `estimates` makes its count
    a guess.
    """

    items: list[Item]
    estimates: bool = False
    before: Callable[[dict[str, str]], None] = lambda _: None
    searches: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        if asked.path in ("", "/"):
            base = "https://api.stacspec.org/v1.0.0/"
            offered = [base + name for name in ("core", "item-search", "item-search#sort", "item-search#filter")]
            return _reply({"conformsTo": offered, "resto:version": "10.1.0"})
        if asked.path == "/collections/SpotTake5":
            return _reply({"id": "SpotTake5"})
        if asked.path != "/search":
            return _error(404, "Not Found")
        if asked.method == "POST":
            body = msgspec.json.decode(asked.body)
            if "sortby" in body:
                return Reply(500, b"", "text/html")
            strange = body.keys() - KNOWN
            return _error(400, f'Invalid query parameter "{min(strange)}"') if strange else _reply({}, 500)
        self.before(asked.query)
        self.searches.append(asked.query)
        if asked.query.get("collections") != "SpotTake5":
            return _error(404, "Not Found")
        if asked.query.keys() - KNOWN:  # what it does not know becomes a keyword, which nothing has
            return self._page([], asked.query, "datetime")
        order = asked.query.get("sortby", "startDate")
        if order.removeprefix("-") not in ("startDate", "created"):
            return _error(400, "Invalid sorting key")
        name = "created" if order.endswith("created") else "datetime"
        found = [one for one in self.items if _meets(one, asked.query)]
        found.sort(key=lambda one: _cursor(one, name), reverse=not order.startswith("-"))
        return self._page(found, asked.query, name)

    def _page(self, found: list[Item], query: dict[str, str], name: str) -> Reply:
        limit = min(int(query.get("limit", 20)), 500)
        left = [one for one in found if "next" not in query or _cursor(one, name) < int(query["next"])]
        page = left[:limit]
        links = [{"rel": "self", "href": "/search"}]
        if len(page) == limit:
            onward = {**query, "next": str(_cursor(page[-1], name))}
            links.append({"rel": "next", "href": f"/search?&{urlencode(onward)}"})
        counted = {"matched": len(found) * (7 if self.estimates else 1), "exactCount": not self.estimates}
        return _reply(
            {
                "type": "FeatureCollection",
                "context": {"returned": len(page), "limit": str(limit), **counted},
                "numberMatched": counted["matched"],
                "numberReturned": len(page),
                "features": page,
                "links": links,
            }
        )


def _cursor(one: Item, name: str) -> int:
    """Return a product's place in an order, which no other has (`startdate_idx`, `created_idx`)."""
    time = datetime.fromisoformat(one["properties"][name])
    return int(time.timestamp() * 1000) * 1000 + int(one["id"][-12:]) % 1000


def _meets(one: Item, query: dict[str, str]) -> bool:
    said = one["properties"]
    start, _, end = query.get("datetime", "../..").partition("/")
    low, high = (
        datetime.fromisoformat(query[name]) if name in query else None for name in ("created_start", "created_end")
    )
    created, acquired = datetime.fromisoformat(said["created"]), datetime.fromisoformat(said["datetime"])
    return (
        (low is None or created >= low)
        and (high is None or created <= high)
        and (start == ".." or acquired >= datetime.fromisoformat(start))
        and (end == ".." or acquired <= datetime.fromisoformat(end))
    )


def _reply(document: object, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(document), "application/geo+json")


def _error(status: int, text: str) -> Reply:
    return _reply({"ErrorMessage": text, "ErrorCode": status}, status)
