"""A server whose database has odd rows: of the items that it lists, some are not what they should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from tests.catalogues.loopback import Asked, Reply

Item = dict[str, Any]
Spoil = Callable[[Item], object]

LISTS = ("features", "value", "items")
"""What the lists of items are called in the answers of the kinds."""


class Spoiling:
    """Answers as a server does, but for the items of these ids, and for these documents besides."""

    def __init__(self, server: Callable[[Asked], Reply]) -> None:
        self.server = server
        self.spoilt: dict[str, Spoil] = {}
        self.documents: Mapping[str, object] = {}

    def __call__(self, asked: Asked) -> Reply:
        if asked.path in self.documents:
            return Reply(200, msgspec.json.encode(self.documents[asked.path]))
        reply = self.server(asked)
        if not self.spoilt or not any(f'"{name}":['.encode() in reply.body for name in LISTS):
            return reply
        page = msgspec.json.decode(reply.body)
        for name in set(LISTS) & page.keys():
            page[name] = [self.spoilt.get(ident(one), lambda sound: sound)(one) for one in page[name]]
        return reply._replace(body=msgspec.json.encode(page))


def ident(one: Item) -> str:
    """Return the id of an item as its kind of server writes it."""
    return str(one.get("id") or one.get("Id") or one.get("meta", {}).get("concept-id"))


def without(name: str) -> Spoil:
    return lambda one: {key: value for key, value in one.items() if key != name}


def having(**more: object) -> Spoil:
    return lambda one: {**one, **more}


def broken(one: Item) -> Item:
    """Take from an item what no product can be without, but for its id."""
    needed = next(name for name in ("properties", "Name", "umm") if name in one)
    return {**one, needed: None}


def nameless(one: Item) -> Item:
    """Take its id from an item."""
    if "meta" in one:
        return {**one, "meta": without("concept-id")(one["meta"])}
    return {key: value for key, value in one.items() if key not in ("id", "Id")}


VALUES = [None, 7, -1, 10**400, True, "", "x", "\0", "https://[::1", "Infinity", [], [None], ["x"], {}, {"a": None}]
BELONGS = ("collection", "dataset", "collection-concept-id")


def variants(value: Any) -> Iterator[Any]:
    """Yield a value with each of its parts, in turn, what it should not be."""
    yield from VALUES
    if isinstance(value, dict):
        for name, part in value.items():
            # Of another collection it would say that the filter is ignored.
            yield from ({**value, name: odd} for odd in variants(part) if name not in BELONGS or type(odd) is not str)
    elif isinstance(value, list):
        for at, part in enumerate(value[:1]):
            yield from ([*value[:at], odd, *value[at + 1 :]] for odd in variants(part))
