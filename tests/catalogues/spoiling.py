"""A server whose database has odd rows: of the features that it lists, some are not what they should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tests.catalogues.loopback import Asked, Reply

Spoil = Callable[[dict[str, Any]], object]


class Spoiling:
    """Answers as a server does, but for the features of these ids, and for these documents besides."""

    def __init__(self, server: Callable[[Asked], Reply]) -> None:
        self.server = server
        self.spoilt: dict[str, Spoil] = {}
        self.documents: Mapping[str, object] = {}

    def __call__(self, asked: Asked) -> Reply:
        if asked.path in self.documents:
            return Reply(200, msgspec.json.encode(self.documents[asked.path]))
        reply = self.server(asked)
        if not self.spoilt or b'"features"' not in reply.body:
            return reply
        page = msgspec.json.decode(reply.body)
        page["features"] = [self.spoilt.get(one["id"], lambda sound: sound)(one) for one in page["features"]]
        return reply._replace(body=msgspec.json.encode(page))


def without(name: str) -> Spoil:
    return lambda one: {key: value for key, value in one.items() if key != name}


def having(**more: object) -> Spoil:
    return lambda one: {**one, **more}
