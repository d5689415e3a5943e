"""What `watcher check` says of GEODES: whether it still answers as it was recorded, found out by asking."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from watcher.catalogues.geodes.features import product
from watcher.catalogues.geodes.holdings import unknown
from watcher.catalogues.geodes.paging import pages
from watcher.catalogues.geodes.questions import Question, Sheet, ask
from watcher.core.unread import nothing_read, told
from watcher.errors import CatalogueError
from watcher.model import Finding

if TYPE_CHECKING:
    from watcher.catalogues.geodes import Kind
    from watcher.net import Http

EVER = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = datetime(2200, 1, 1, tzinfo=UTC)
APART = 10.0
"""Degrees between two places that no product covers both."""


def look(kind: Kind, http: Http) -> Iterator[Finding]:
    """Look at each collection: that it exists, what its first product says, and how it can be asked.

    How pages are turned is the server's, and asked of one collection.
    """
    turned = False
    for collection in kind.collections:
        try:
            matched = yield from _collection(kind, http, collection)
        except CatalogueError as error:
            yield Finding(collection, False, str(error), error.hint)
            continue
        if matched > 2 and not turned:
            turned = True
            yield from pages(kind, http, collection)


def _collection(kind: Kind, http: Http, collection: str) -> Generator[Finding, None, int]:
    """Yield what is found of a collection; return how many products it counts."""
    near = unknown(kind, http, collection)
    if near is not None:
        hint = f"the nearest are: {', '.join(near)}" if near else None
        yield Finding(collection, False, f"{kind.url} has no collection of this name", hint)
        return 0
    first = ask(kind, http, Question(collection=collection, limit=2))
    if first.odd:
        yield told(collection, first.odd, size=len(first.ids))
        more = ask(kind, http, Question(collection=collection, limit=kind.limit))
        first = msgspec.structs.replace(more, features=more.features[:2])
    if not first.features:
        if first.odd:
            raise nothing_read(kind.url, first.odd)
        yield Finding(collection, first.matched == 0, f"it lists no product and counts {first.matched}")
        return 0
    yield Finding(collection, True, f"the collection exists, with {first.matched} products")
    yield _shape(kind, first)
    for looked in (_since, _order, *([_places] if kind.places > 1 else [])):
        try:
            yield looked(kind, http, first)
        except CatalogueError as error:
            yield Finding(collection, False, str(error), error.hint)
    return first.matched


def _shape(kind: Kind, first: Sheet) -> Finding:
    collection = first.question.collection
    one = product(first.features[0], given=None, url=kind.url)
    wanting = [
        name
        for name, there in {
            "start_datetime": one.acquired,
            "datetime": one.published,
            "geometry": one.geometry,
            "a file of role data": one.assets,
            "the checksum of that file": one.assets and one.assets[0].checksum,
        }.items()
        if not there
    ]
    if wanting:
        text = f"{one.title} has no {', no '.join(wanting)}: the answers have changed"
        return Finding(collection, False, text, "watcher reads them as they were in 2025; it has to follow")
    return Finding(collection, True, f"its products are as they were recorded ({one.title})")


def _since(kind: Kind, http: Http, first: Sheet) -> Finding:
    collection = first.question.collection
    future = ask(kind, http, msgspec.structs.replace(first.question, since=NEVER))
    past = ask(kind, http, msgspec.structs.replace(first.question, since=EVER))
    if future.ids or future.matched:
        return Finding(collection, False, "filtering by datetime changes nothing")
    if past.matched != first.matched:
        text = f"filtering by datetime hides {first.matched - past.matched} of {first.matched} products"
        return Finding(collection, False, text)
    return Finding(collection, True, "what it published since a time can be asked for")


def _order(kind: Kind, http: Http, oldest: Sheet) -> Finding:
    collection = oldest.question.collection
    try:
        newest = ask(kind, http, msgspec.structs.replace(oldest.question, descending=True))
    except CatalogueError as error:
        return Finding(collection, False, f"asking for the newest first fails: {error}", error.hint)
    if oldest.matched < 2 or (oldest.keys and newest.keys and oldest.keys[0] < newest.keys[0]):
        return Finding(collection, True, "its answers can be sorted")
    return Finding(collection, True, "it does not sort by datetime: pages are read by their numbers, and counted")


def _places(kind: Kind, http: Http, first: Sheet) -> Finding:
    """Ask for two places apart and together: what is listed together must be what is listed apart."""
    import shapely

    collection = first.question.collection
    grounds = [
        shapely.point_on_surface(shapely.from_geojson(bytes(feature.geometry))).buffer(0.01)
        for feature in first.features
        if bytes(feature.geometry) != b"null"
    ]
    if len(grounds) < 2 or shapely.distance(*grounds) < APART:
        return Finding(collection, True, "its oldest products lie too close together to try several places at once")
    *apart, together = (
        ask(kind, http, msgspec.structs.replace(first.question, geometry=shapely.to_geojson(ground).encode())).matched
        for ground in (*grounds, shapely.MultiPolygon(grounds))
    )
    if together != sum(apart):
        text = f"it finds {apart[0]} and {apart[1]} products at two places, and {together} when asked for both"
        return Finding(collection, False, text, "set places = 1")
    return Finding(collection, True, "several places can be asked for at once")
