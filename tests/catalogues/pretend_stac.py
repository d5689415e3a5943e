"""A STAC search with the vices that public servers have and the real ones of these tests have not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec

from tests.catalogues.loopback import Asked, Reply

Item = dict[str, Any]


@dataclass
class Pretend:
    """Items of a collection "things", by `POST /search` and one by one.

    Whatever it is told not to do it ignores with a 200.

    `links`: whether a page leads to the next one, by an offset as in many servers. `counts`: whether it says how
    many there are, and `hidden` how many of those it never lists. `heavy`: the largest page that does not fail.
    `muddles`: asked to sort, its links skip a product at each edge, as LandsatLook's do. `anchored`: its links name the
    last product of a page, as the Planetary Computer's do, and fail once that is gone. `trailing`: what has no value
    comes last in either order, as in Elasticsearch. `before`: called with each search first.
    """

    items: list[Item]
    sorts: bool = True
    filters: bool = True
    links: bool = True
    counts: bool = False
    hidden: int = 0
    heavy: int | None = None
    muddles: bool = False
    anchored: bool = False
    trailing: bool = False
    before: Callable[[dict[str, Any]], None] = lambda _: None
    searches: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/collections/things":
            return _reply({"id": "things"})
        if asked.path.startswith("/collections/things/items/"):
            named = [item for item in self.items if item["id"] == unquote(asked.path.rpartition("/")[2])]
            return _reply(named[0]) if named else _reply({"code": "NotFound"}, 404)
        if asked.path != "/search":
            return _reply({"code": "NotFound"}, 404)
        body: dict[str, Any] = msgspec.json.decode(asked.body)
        self.before(body)
        self.searches.append(body)
        if self.heavy is not None and body["limit"] > self.heavy:
            return _reply({"message": "Internal server error"}, 502)
        found = self._found(body)
        start = body.get("skip", 0)
        if "token" in body:
            anchors = [at for at, item in enumerate(found, 1) if f"next:things:{item['id']}" == body["token"]]
            if not anchors:
                return _reply({"code": "InternalServerError"}, 500)
            start = anchors[0]
        end = start + body["limit"]
        page: dict[str, Any] = {"type": "FeatureCollection", "features": found[start:end], "links": []}
        if self.links and end < len(found):
            skip = end + 1 if self.muddles and "sortby" in body else end
            on = {"token": f"next:things:{found[end - 1]['id']}"} if self.anchored else {"skip": skip}
            link = {"rel": "next", "method": "POST", "href": "/search", "body": {**body, **on}}
            page["links"] = [{"rel": "self", "href": "/search"}, link]
        if self.counts:
            page["numberMatched"] = len(found) + self.hidden
        return _reply(page)

    def _found(self, body: dict[str, Any]) -> list[Item]:
        found = [item for item in self.items if not self.filters or _meets(item, body)]
        for key in body.get("sortby", ()) if self.sorts else ():
            name = key["field"].removeprefix("properties.")
            down = key["direction"] == "desc"
            none = "" if down and self.trailing else "~"
            found.sort(key=lambda item: item["properties"].get(name) or none, reverse=down)
        return found


def _meets(item: Item, body: dict[str, Any]) -> bool:
    properties = item["properties"]
    start, _, end = body.get("datetime", "../..").partition("/")
    low, high = start.replace("..", ""), end.replace("..", "~")
    if not low <= (properties["datetime"] or properties["start_datetime"]) <= high:
        return False
    signs: dict[str, Callable[[str, str], bool]] = {"gte": str.__ge__, "lte": str.__le__}
    return all(
        name in properties and signs[sign](properties[name], bound)
        for name, bounds in body.get("query", {}).items()
        for sign, bound in bounds.items()
    )


def _reply(document: object, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(document), "application/geo+json")
