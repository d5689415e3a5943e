"""Asking the demo catalogue over plain HTTP/1.1, with nothing between the test and the wire."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from watcher.demo.catalogue import Catalogue

AUGUST = datetime(2015, 8, 1, tzinfo=UTC)
"""When everything has been published."""

PLAIN: Mapping[str, str] = {}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


def ask(
    catalogue: Catalogue,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] = PLAIN,
    body: bytes | None = None,
) -> Reply:
    host = catalogue.origin.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        connection.request(method, path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        return Reply(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


def listed(catalogue: Catalogue, query: str, *, collection: str | None = "SPOT5") -> list[dict]:
    """The features that a search lists."""
    folder = f"{collection}/" if collection else ""
    reply = ask(catalogue, f"/resto/api/collections/{folder}search.json?{query}")
    assert reply.status == 200, reply.body
    return json.loads(reply.body)["features"]


def names(catalogue: Catalogue, query: str, *, collection: str | None = "SPOT5") -> list[str]:
    """The product names that a search lists."""
    return [f["properties"]["productIdentifier"] for f in listed(catalogue, query, collection=collection)]
