"""What a resto server's answer says: GeoJSON features, decoded no further than they are needed.

Servers of ten years, forks among them, print the same facts in many shapes: an empty PHP array is ``[]``
where an object belongs, numbers come as text, unknown comes as 0, null or not at all. So only what is needed
is decoded, by type where the shape is sure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec

from watcher.catalogues.resto.values import number
from watcher.core.unread import reading
from watcher.errors import CatalogueError
from watcher.model import Unread

_Odd = list[Any] | str | float | bool | None


class Download(msgspec.Struct, gc=False):
    """Where the file of a product is, and what is said of it."""

    url: Any = None
    mime: Any = msgspec.field(name="mimeType", default=None)
    size: Any = None
    checksum: Any = None


class Services(msgspec.Struct, gc=False):
    """What may be done with a product; only to fetch it is of use here."""

    download: Download | _Odd = None


class Properties(msgspec.Struct, gc=False):
    """A feature's properties; `code` is added by the name of the server's site filter."""

    collection: Any = None
    identifier: Any = msgspec.field(name="productIdentifier", default=None)
    title: Any = None
    start: Any = msgspec.field(name="startDate", default=None)
    level: Any = msgspec.field(name="processingLevel", default=None)
    platform: Any = None
    instrument: Any = None
    quicklook: Any = None
    updated: Any = None
    published: Any = None
    produced: Any = msgspec.field(name="productionDate", default=None)
    cloud: Any = msgspec.field(name="cloudCover", default=None)
    version: Any = None
    storage: Any = None
    keywords: msgspec.Raw = msgspec.Raw(b"null")
    services: Services | _Odd = None


P = TypeVar("P")


class Feature(msgspec.Struct, Generic[P], gc=False):
    """One feature as decoded."""

    id: str
    properties: P
    geometry: msgspec.Raw = msgspec.Raw(b"null")


class _Head(msgspec.Struct):
    total: Any = msgspec.field(name="totalResults", default=None)
    exact: Any = msgspec.field(name="exactCount", default=None)
    links: Any = None


F = TypeVar("F")


class _Body(msgspec.Struct, Generic[F]):
    features: list[F] | msgspec.UnsetType | None = msgspec.UNSET
    properties: _Head | _Odd = None
    problem: Any = msgspec.field(name="ErrorMessage", default=None)
    code: Any = msgspec.field(name="ErrorCode", default=None)


class Features(msgspec.Struct, frozen=True):
    """One page. `total` is how many there are in all, `None` unless counted; `more` that a next is linked.

    `odd` is what is listed and cannot be read.
    """

    features: list[Feature[Any]]
    total: int | None
    more: bool
    odd: Sequence[Unread] = ()

    @property
    def size(self) -> int:
        """How many products it lists, those included that cannot be read."""
        return len(self.features) + len(self.odd)


def read(body: bytes | bytearray, *, site_filter: str, place: str) -> Features:
    """Decode one answer of a search; `place` is where it came from, for the error.

    A feature that cannot be read, or has no identifier that is one, is set aside. Raises `CatalogueError` for an error
    reported with status 200, and for JSON that is broken or is no feature collection.
    """
    try:
        page, odd = _decoder(site_filter)(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{place} answered with JSON that cannot be read: {error}") from error
    if page.code is not None or page.problem is not None:
        raise CatalogueError(f"{place} answered 200 with an error: {page.problem} (ErrorCode {page.code})")
    if page.features is msgspec.UNSET or not isinstance(page.properties, _Head):
        raise CatalogueError(f"{place} answered with JSON that is no feature collection of a resto server")
    total = number(page.properties.total)
    counted = total is not None and page.properties.exact not in (False, 0, "0", "false")
    links = page.properties.links if isinstance(page.properties.links, list) else []
    more = any(isinstance(link, dict) and link.get("rel") == "next" for link in links)
    return Features(page.features or [], int(total) if total is not None and counted else None, more, odd)


def _possible(feature: Feature[Any]) -> None:
    if not feature.id.isprintable() or not feature.id.strip("."):
        raise ValueError(f"it has an impossible identifier: {feature.id!r:.80}")


@lru_cache(maxsize=8)
def _decoder(site_filter: str) -> Callable[[bytes | bytearray], tuple[_Body[Any], Sequence[Unread]]]:
    properties = msgspec.defstruct(
        "PropertiesWithCode",
        [("code", Any, msgspec.field(name=site_filter, default=None))],
        bases=(Properties,),
        gc=False,
    )
    return reading(_Body, Feature[properties], under="features", sound=_possible)  # type: ignore[valid-type]
