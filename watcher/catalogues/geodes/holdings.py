"""The collections that GEODES says it has: `GET /collections`, numbered pages where one does not hold them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from watcher.core.moments import moment
from watcher.decoding import decoder
from watcher.errors import CatalogueError
from watcher.model import Holding, level
from watcher.net import json_body

if TYPE_CHECKING:
    from watcher.catalogues.geodes import Kind
    from watcher.net import Http


class _Extent(msgspec.Struct):
    temporal: Any = None


class _Collection(msgspec.Struct):
    id: str
    title: Any = None
    extent: _Extent | None = None


class _Context(msgspec.Struct, frozen=True):
    matched: int | None = None


class _Collections(msgspec.Struct):
    collections: list[_Collection]
    context: _Context = _Context()


_decode = decoder(_Collections).decode


def holdings(kind: Kind, http: Http) -> Iterator[Holding]:
    """List the collections, each once. Raises `CatalogueError` if they are no list, or fewer than are counted."""
    url = f"{kind.url.rstrip('/')}/collections"
    seen: set[str] = set()
    for number in range(1, kind.max_pages + 1):
        parameters = {"page": str(number), "limit": str(kind.limit)} if number > 1 else None
        try:
            page = _decode(json_body(http.get(url, params=parameters)))
        except msgspec.DecodeError as error:
            raise CatalogueError(f"{url} answered what is no list of collections: {error}") from error
        fresh = [one for one in page.collections if one.id not in seen]
        seen.update(one.id for one in fresh)
        yield from (_holding(kind, one) for one in fresh)
        if page.context.matched is None or len(seen) >= page.context.matched:
            return
        if not fresh:
            break
    raise CatalogueError(f"{url} counts more collections than the {len(seen)} that it lists")


def unknown(kind: Kind, http: Http, collection: str) -> list[str] | None:
    """Return the names nearest to a collection that the server does not have, `None` if it has it."""
    from rapidfuzz import process

    names = [holding.collection for holding in holdings(kind, http)]
    return None if collection in names else [name for name, _, _ in process.extract(collection, names, limit=3)]


def _holding(kind: Kind, one: _Collection) -> Holding:
    held = kind.collections.get(one.id, "")
    first = last = None
    match one.extent and one.extent.temporal:
        case {"interval": [[start, end], *_]}:
            first, last = moment(start), moment(end)
    return Holding(
        collection=one.id,
        title=" ".join(one.title.split()) if isinstance(one.title, str) else "",
        levels=(level(held),) if held else (),
        first=first,
        last=last,
    )
