"""A GEODES search with the vices that its other clients report, for `tests/catalogues/test_geodes.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tests.catalogues.loopback import Asked, Reply

Item = dict[str, Any]
START = datetime(2026, 3, 1, tzinfo=UTC)
COLLECTION = "THEIA_REFLECTANCE_SENTINEL2_L2A"


def at(minutes: float) -> str:
    """Write a time of publication, so many minutes after the start, as the server does."""
    return (START + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def item(number: int, *, version: int = 1, published: float | None = None, **properties: Any) -> Item:
    """Return a product; it was acquired days before it was published, in no order of publication."""
    acquired = (START - timedelta(days=1 + number * 7 % 28)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name = f"SENTINEL2A_20260{number:05}-105421-000_L2A_T31TCJ_C"
    urn = f"URN:FEATURE:DATA:gdh:00000000-0000-3000-8000-{number:012}:V{version}"
    digest = f"{number * 10 + version:032x}"
    said = {
        "dataset": COLLECTION,
        "identifier": name,
        "start_datetime": acquired,
        "end_datetime": acquired,
        "datetime": at(number if published is None else published),
        "processing:level": "L2A",
        "platform": "SENTINEL2A",
        "latest": True,
    }
    square = [[1.0, 43.0], [2.0, 43.0], [2.0, 44.0], [1.0, 44.0], [1.0, 43.0]]
    return {
        "type": "Feature",
        "id": urn,
        "collection": COLLECTION,
        "geometry": {"type": "Polygon", "coordinates": [square]},
        "properties": {**said, **properties},
        "links": [],
        "assets": {
            f"{name}.zip": {
                "href": f"https://geodes.example/api/download/{urn}/files/{digest}",
                "type": "application/zip",
                "roles": ["data"],
                "description": f"File size: 1000 bytes\n\nIs online: true\n\nChecksum MD5: {digest}",
            }
        },
    }


def series(count: int) -> list[Item]:
    """Return products that were published a minute apart."""
    return [item(number) for number in range(count)]


@dataclass
class Pretend:
    """The products of some collections, by `POST /search`, in numbered pages of at most 80.

    `next` is always wrong. `doubles` repeats the last product of each page at the head of the next, in place of one
    that is not listed then; `short` gives one product less than a page holds. `sorts` and `filters` are whether it
    does what it is asked. `before` is called with each search first. `available` has the answers
    to paths beside it.
    """

    items: list[Item]
    sorts: bool = True
    filters: bool = True
    doubles: bool = False
    short: bool = False
    cap: int = 80
    before: Callable[[dict[str, Any]], None] = lambda _: None
    searches: list[dict[str, Any]] = field(default_factory=list)
    available: dict[str, Reply] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Reply:
        if asked.path in self.available:
            return self.available[asked.path]
        if asked.path == "/collections":
            names = sorted({item["properties"]["dataset"] for item in self.items} | {COLLECTION})
            return _reply({"collections": [{"id": name} for name in names]})
        if asked.path != "/search" or asked.method != "POST":
            return _reply({"message": "not found"}, 404)
        body: dict[str, Any] = msgspec.json.decode(asked.body)
        self.before(body)
        self.searches.append(body)
        known = {item["properties"]["dataset"] for item in self.items} | {COLLECTION}
        if not known.issuperset(body["query"]["dataset"]["in"]):
            return _reply({"message": "unknown dataset"}, 400)
        found = [item for item in self.items if not self.filters or _meets(item, body["query"])]
        if self.sorts:
            (order,) = body["sortBy"]
            found.sort(key=lambda item: item["properties"][order["field"]], reverse=order["direction"] == "desc")
        limit = min(body["limit"], self.cap)
        start = (body["page"] - 1) * limit
        page = found[start : start + limit]
        if self.doubles and start and page:
            page = [found[start - 1], *page[1:]]
        if self.short and len(page) == limit > 1:
            page = page[:-1]
        return _reply(
            {
                "type": "FeatureCollection",
                "stac_version": "1.0.0-beta.1",
                "features": page,
                "context": {"returned": len(page), "limit": body["limit"], "matched": len(found)},
                "links": [{"rel": "next", "href": "https://geodes.example/api/stac/items?limit=2&page=2"}],
            }
        )


def _meets(item: Item, query: dict[str, Any]) -> bool:
    properties = item["properties"]
    signs: dict[str, Callable[[Any, Any], bool]] = {
        "gte": lambda value, bound: _time(value) >= _time(bound),
        "lte": lambda value, bound: _time(value) <= _time(bound),
        "in": lambda value, bound: value in bound,
    }
    return all(signs[sign](properties[name], bound) for name, bounds in query.items() for sign, bound in bounds.items())


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _reply(document: object, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(document))
