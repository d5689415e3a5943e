"""An OData service with the habits of CDSE's: a model of what its documentation and its clients tell, no recording.

Products and DeletedProducts with `$filter`, `$orderby`, `$top`, `$skip`, `$count`; offsets end at `furthest` without a
word, unknown filters are refused; a pull subscription with cumulative acknowledgement.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tests.catalogues.loopback import Asked, Reply

START = datetime(2026, 2, 1, tzinfo=UTC)
TYPE = "S2MSI2A"
_TERM = re.compile(r"^(\w+Date(?:/Start)?) (ge|gt|le|lt) (\S+Z)$")
_TYPE = re.compile(r"any\(att:att/Name eq 'productType' and att/OData\.CSC\.StringAttribute/Value eq '([^']+)'\)$")
_AREA = re.compile(r"^\(?OData\.CSC\.Intersects")
_SIGNS: dict[str, Callable[[str, str], bool]] = {
    "ge": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
    "le": lambda a, b: a <= b,
    "lt": lambda a, b: a < b,
}


def at(minutes: float) -> str:
    """Write a time so many minutes after the start, as the service does."""
    return (START + timedelta(minutes=minutes)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def thing(number: int, *, published: float | None = None, modified: float | None = None, **more: Any) -> dict[str, Any]:
    """Make a product: published `number` minutes after the start, acquired as many hours before."""
    published = number if published is None else published
    begun = (START - timedelta(hours=number)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {
        "Id": f"00000000-0000-0000-0000-{number:012}",
        "Name": f"S2A_MSIL2A_20260201T105321_N0511_R051_T31TCJ_{number:05}.SAFE",
        "ContentLength": 1000 + number,
        "PublicationDate": at(published),
        "ModificationDate": at(published if modified is None else modified),
        "Online": True,
        "Checksum": [{"Value": f"{number:032x}", "Algorithm": "MD5"}],
        "ContentDate": {"Start": begun, "End": begun},
        "GeoFootprint": {"type": "Polygon", "coordinates": [[[1, 43], [2, 43], [2, 44], [1, 44], [1, 43]]]},
        "Attributes": [{"Name": "productType", "Value": TYPE}, {"Name": "tileId", "Value": "31TCJ"}],
        **more,
    }


def deleted(number: int, *, when: float, cause: str = "Obsolete product or Other") -> dict[str, Any]:
    """Make a product that was deleted."""
    product = thing(number)
    del product["PublicationDate"], product["ModificationDate"], product["Online"]
    return {**product, "DeletionDate": at(when), "DeletionCause": cause}


@dataclass
class Pretend:
    """The service; whatever it is told not to do it ignores with a 200.

    `before` is called with each search first; `heavy` is the largest page that does not fail; `bearer` is the token
    that its subscription wants.
    """

    products: list[dict[str, Any]]
    gone: list[dict[str, Any]] = field(default_factory=list)
    collection: str = "SENTINEL-2"
    filters: bool = True
    sorts: bool = True
    links: bool = True
    refuses: bool = True
    heavy: int | None = None
    furthest: int = 10_000
    hidden: int = 0
    before: Callable[[dict[str, str]], None] = lambda _: None
    bearer: str | None = None
    queue: list[dict[str, Any]] = field(default_factory=list)
    subscription: dict[str, Any] = field(default_factory=lambda: {"Status": "running"})
    most: int = 100_000
    searches: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        entity = asked.path.rpartition("/")[2]
        if "/Subscriptions(" in asked.path:
            return self._subscribed(asked)
        if entity not in ("Products", "DeletedProducts"):
            return _reply({"detail": "Not Found"}, 404)
        query = asked.query
        self.before(query)
        self.searches.append({"entity": entity, **query})
        top, skip = int(query["$top"]), int(query.get("$skip", 0))
        if skip > self.furthest or top > 1000:
            kind = [{"type": "less_than_equal", "loc": ["query", "$skip"], "msg": "Input should be less than or equal"}]
            return _reply({"detail": kind}, 422)
        if self.heavy is not None and top > self.heavy:
            return _reply({"message": "Internal server error"}, 502)
        try:
            found = self._found(entity, query)
        except ValueError as error:
            return _reply({"detail": {"message": str(error), "request_id": "x"}}, 400)
        page = found[skip : skip + top]
        body: dict[str, Any] = {"@odata.context": f"$metadata#{entity}", "value": page}
        if "$count" in query:
            body["@odata.count"] = len(found) + self.hidden
        if self.links and skip + top < len(found) and skip + top <= self.furthest:
            body["@odata.nextLink"] = f"https://elsewhere.example/odata/v1/{entity}?$skip={skip + top}"
        return _reply(body)

    def _found(self, entity: str, query: dict[str, str]) -> list[dict[str, Any]]:
        found = list(self.products if entity == "Products" else self.gone)
        for term in query["$filter"].split(" and ") if self.filters else ():
            if match := _TERM.match(term):
                name, sign, value = match.groups()
                found = [one for one in found if _SIGNS[sign](_time(one, name), value)]
        kind = _TYPE.search(
            query["$filter"].split(" and ContentDate")[0].split(" and (OData")[0].split(" and OData")[0]
        )
        known = (
            "Collection/Name",
            "Attributes/",
            "att/",
            "OData",
            "(OData",
            "ContentDate",
            "Publ",
            "Modif",
            "Deletion",
        )
        if self.refuses and not query["$filter"].startswith(known):
            raise ValueError(f"Invalid field: {query['$filter'].split()[0]}")
        if f"'{self.collection}'" not in query["$filter"] or (kind and kind[1] != TYPE):
            found = [] if self.filters else found
        order, _, direction = query.get("$orderby", "").partition(" ")
        if order and self.sorts:
            found.sort(key=lambda one: (_time(one, order), one["Id"]), reverse=direction == "desc")
        return found

    def _subscribed(self, asked: Asked) -> Reply:
        if self.bearer is not None and asked.headers.get("authorization") != f"Bearer {self.bearer}":
            return _reply({"detail": "Unauthorized"}, 401)
        if not self.subscription:
            return _reply({"detail": {"message": "Subscription with id x not found."}}, 404)
        if asked.path.endswith("/Read"):
            return _reply(self.queue[: min(20, int(asked.query.get("$top", 1)))])
        if asked.path.endswith("/Ack"):
            marks = [event and event.get("AckId") for event in self.queue]
            number = marks.index(asked.query["$ackid"]) + 1
            del self.queue[:number]
            left = {"AckMessagesNum": number, "CurrentQueueLength": len(self.queue), "MaxQueueLength": self.most}
            return _reply(left)
        return _reply({"Id": "x", **self.subscription})


def event(kind: str, product: dict[str, Any], *, old: bool = False) -> dict[str, Any]:
    """Make a notification; an old one has lost its product."""
    told = {
        "SubscriptionEvent": kind,
        "ProductId": product["Id"],
        "SubscriptionId": "x",
        "NotificationDate": at(0),
        "AckId": f"{kind}-{product['Id']}==",
    }
    return told if old else {**told, "ProductName": product["Name"], "value": product}


def _time(product: dict[str, Any], name: str) -> str:
    outer, _, inner = name.partition("/")
    return str(product[outer][inner] if inner else product.get(outer, ""))


def _reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(body))
