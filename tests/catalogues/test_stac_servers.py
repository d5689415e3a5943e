"""Walks over real STAC servers, while their catalogue changes under the reader."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.servers.stac import Pgstac, Rustac, thing
from watcher.catalogues.stac import Kind
from watcher.errors import CatalogueError
from watcher.model import Product, Query
from watcher.net import Http

START = datetime(2026, 2, 1, tzinfo=UTC)


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def series(count: int, *, prefix: str = "P") -> list[dict[str, Any]]:
    """Items that were learnt a minute apart, in no order of acquisition."""
    return [
        thing(f"{prefix}{n:03}", at(n), acquired=f"2026-01-{1 + n * 7 % 28:02}T10:{n % 60:02}:{n // 60:02}Z")
        for n in range(count)
    ]


def kind(server: Pgstac, **settings: Any) -> Kind:
    return msgspec.convert(
        {"url": server.url, "collections": {server.collection: "L2A"}, "limit": 10, **settings}, Kind
    )


def walk(catalogue: Kind, **query: Any) -> Iterator[list[Product]]:
    with Http(origin=catalogue.url) as http:
        yield from catalogue.search(Query(collection=next(iter(catalogue.collections)), **query), http)


def listed(catalogue: Kind, **query: Any) -> list[str]:
    return [product.id for page in walk(catalogue, **query) for product in page]


def names(count: int, *, start: int = 0) -> list[str]:
    return [f"P{n:03}" for n in range(start, count)]


WAYS: list[dict[str, Any]] = [
    {},
    {"method": "GET"},
    {"filter": "cql2"},
    {"filter": "cql2", "method": "GET"},
    {"sort": False},
    {"sort": False, "method": "GET"},
    {"cursor": "published"},
    {"cursor": "none"},
    {"cursor": "none", "sort": False},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_everything_is_listed_once_whichever_way_it_is_asked_for(pgstac: Pgstac, way: dict[str, Any]) -> None:
    pgstac.add(*series(45))

    assert sorted(listed(kind(pgstac, **way))) == names(45)


@pytest.mark.parametrize("way", WAYS[:7], ids=str)
def test_only_what_was_learnt_since_is_listed(pgstac: Pgstac, way: dict[str, Any]) -> None:
    pgstac.add(*series(45))

    assert sorted(listed(kind(pgstac, **way), learnt_since=START + timedelta(minutes=20))) == names(45, start=20)
