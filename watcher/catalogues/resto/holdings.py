"""The collections of a resto server: what it says of them, and the first and last acquisition that it shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from watcher.catalogues.resto.questions import offered
from watcher.catalogues.resto.values import text
from watcher.core.moments import moment
from watcher.errors import CatalogueError
from watcher.model import Holding, level
from watcher.net import json_body

if TYPE_CHECKING:
    from watcher.catalogues.resto import Kind
    from watcher.net import Http

_MANY = 30
"""So many collections are looked at one by one; of more only the names are listed."""


def holdings(kind: Kind, http: Http) -> Iterator[Holding]:
    """List the collections. Raises `CatalogueError` when they cannot be listed."""
    names = offered(http, kind.base)
    for name in names:
        yield _holding(kind, http, name) if len(names) <= _MANY else Holding(name, levels=tuple(kind.held(name)))


def _holding(kind: Kind, http: Http, name: str) -> Holding:
    try:
        said = msgspec.json.decode(json_body(http.get(f"{kind.base}/collections/{quote(name, safe='')}.json")))
    except (CatalogueError, msgspec.DecodeError, RecursionError):
        said = None  # it is listed, and that is what was asked; not every fork describes each
    described = _table(said, "osDescription", "en")
    counts = _table(said, "statistics", "processingLevel")
    count = _table(said, "statistics", "collection").get(name)
    return Holding(
        name,
        title=" ".join((text(described.get("LongName")) or text(described.get("ShortName")) or "").split()),
        levels=tuple(kind.held(name)) or tuple(sorted(map(level, counts))),
        first=_edge(kind, http, name, {"sortParam": "startdate", "sortOrder": "ascending"}),
        last=_edge(kind, http, name, {}),
        count=count if isinstance(count, int) else None,
    )


def _edge(kind: Kind, http: Http, name: str, order: dict[str, str]) -> datetime | None:
    """Return the acquisition that is listed first: the latest, unless the server can be asked for the earliest."""
    try:
        listed = kind.page(name, {**order, "maxRecords": "2"}, http).features
    except CatalogueError:
        return None
    times = [moment(feature.properties.start) for feature in listed]
    known = [time for time in times if time is not None]
    if not known or (order and (len(known) < 2 or known[0] > known[-1])):
        return None  # it sorts as it always does: what comes first is not the earliest
    return known[0]


def _table(value: Any, *keys: str) -> dict[str, Any]:
    """Return a table inside tables; an empty PHP array, which is a list, is an empty one."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
