"""The collections that a STAC API says it has (STAC API 1.0 collections; pages are followed by their `next` links)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from watcher.catalogues.stac.features import Link
from watcher.catalogues.stac.questions import onward
from watcher.core.moments import moment
from watcher.decoding import decoder
from watcher.errors import CatalogueError
from watcher.model import Holding, Level, level
from watcher.net import json_body

if TYPE_CHECKING:
    from watcher.catalogues.stac import Kind
    from watcher.net import Http

MANY = 100
"""The pages of collections after which nothing more is asked."""


class _Extent(msgspec.Struct):
    temporal: Any = None


class _Collection(msgspec.Struct):
    id: str
    title: Any = None
    extent: _Extent | None = None
    summaries: Any = None


class _Collections(msgspec.Struct):
    collections: list[_Collection]
    links: list[Link] | None = None


_decode = decoder(_Collections).decode


def holdings(kind: Kind, http: Http) -> Iterator[Holding]:
    """List the collections, each once. Raises `CatalogueError` for what is no list of them."""
    url: str | None = f"{kind.url.rstrip('/')}/collections"
    been: set[str] = set()
    seen: set[str] = set()
    while url is not None and url not in been:
        if len(been) == MANY:
            raise CatalogueError(f"{kind.url} has more than {MANY} pages of collections")
        been.add(url)
        try:
            page = _decode(json_body(http.get(url)))
        except msgspec.DecodeError as error:
            raise CatalogueError(f"{url} answered what is no list of collections: {error}") from error
        for one in page.collections:
            if one.id not in seen:
                seen.add(one.id)
                yield _holding(kind, one)
        link = next((link for link in page.links or () if link.rel == "next"), None)
        url = None if link is None else onward(kind, link.href)


def _holding(kind: Kind, one: _Collection) -> Holding:
    first, last = _span(one.extent)
    return Holding(
        collection=one.id,
        title=" ".join(one.title.split()) if isinstance(one.title, str) else "",
        levels=_levels(kind.collections.get(one.id, ""), one.summaries),
        first=first,
        last=last,
    )


def _levels(given: str, summaries: Any) -> tuple[Level, ...]:
    """Read the levels: as set, else from the summaries, a list (STAC) or the choices of a JSON schema (resto)."""
    if given:
        return (level(given),)
    said = summaries.get("processing:level") if isinstance(summaries, dict) else None
    if isinstance(said, dict):
        said = [choice.get("const") for choice in said.get("oneOf") or () if isinstance(choice, dict)]
    return tuple(dict.fromkeys(level(text) for text in said if isinstance(text, str))) if isinstance(said, list) else ()


def _span(extent: _Extent | None) -> tuple[datetime | None, datetime | None]:
    match extent and extent.temporal:
        case {"interval": [[first, last], *_]}:
            return moment(first), moment(last)
    return None, None
