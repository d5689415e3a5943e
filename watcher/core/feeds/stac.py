"""A static STAC collection (1.1): of a site with an item for each product, of all sites with a child for each.

An item is a product in its newest processing; what was withdrawn is left out, and so is what has no time of
acquisition. Links are relative, so that the directory can be moved.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from watcher.core.feeds import ground
from watcher.core.feeds.feed import STAC, Came, Feed, link, percent, urn
from watcher.core.moments import written
from watcher.model import Asset, Event, Product
from watcher.names import plain

_VERSION = "1.1.0"
_EXTENSIONS = {
    "eo:cloud_cover": "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "processing:level": "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "published": "https://stac-extensions.github.io/timestamps/v1.1.0/schema.json",
    "grid:code": "https://stac-extensions.github.io/grid/v1.1.0/schema.json",
}


def items(feed: Feed) -> dict[str, bytes]:
    """Return the items of a site's collection, by the name of their file below `items/`."""
    return {f"{_name(came)}.json": _json(_item(came, feed)) for came in _standing(feed.came)}


class Extent(msgspec.Struct, frozen=True):
    """Where and when the products of a collection are: west, south, east, north; the first and the last acquisition."""

    box: ground.Box | None = None
    first: datetime | None = None
    last: datetime | None = None


class Child(msgspec.Struct, frozen=True):
    """A site's collection below that of all: its directory, its title, and its extent."""

    folder: str
    title: str
    extent: Extent


def extent(feed: Feed) -> Extent:
    """Return the extent of a site's collection; without products that of the site."""
    came = _standing(feed.came)
    shapes = [ground.shape(one.product.geometry) for one in came]
    times = [one.product.acquired for one in came if one.product.acquired is not None]
    box = ground.box(shapes) or ground.box([ground.shape(feed.geometry)])
    return Extent(box, min(times, default=None), max(times, default=None))


def collection(feed: Feed) -> bytes:
    """Write the collection of a site."""
    root = f"../../{STAC}"
    links = [_link("root", root), _link("parent", root)]
    links += [_link("item", f"./items/{_name(one)}.json") for one in _standing(feed.came)]
    return _collection(feed, extent(feed), links)


def collections(feed: Feed, children: Sequence[Child]) -> bytes:
    """Write the collection of all sites, with those of the sites below it."""
    extents = [child.extent for child in children]
    boxes = [one.box for one in extents if one.box is not None]
    whole = Extent(
        ground.around(boxes),
        min((one.first for one in extents if one.first), default=None),
        max((one.last for one in extents if one.last), default=None),
    )
    links = [_link("root", f"./{STAC}")]
    links += [_link("child", f"./{one.folder}/{STAC}", title=plain(one.title, limit=100)) for one in children]
    return _collection(feed, whole, links)


def _collection(feed: Feed, extent: Extent, links: Sequence[Mapping[str, str]]) -> bytes:
    own = [] if (href := feed.href(STAC)) is None else [_link("self", href)]
    interval = [written(extent.first or feed.since), written(extent.last) if extent.last else None]
    return _json(
        {
            "type": "Collection",
            "stac_version": _VERSION,
            "id": feed.urn.removeprefix("urn:uuid:"),
            "title": feed.title,
            "description": f"{feed.title}: the newest products that watcher saw come.",
            "license": "other",
            "extent": {
                "spatial": {"bbox": [extent.box or (-180, -90, 180, 90)]},
                "temporal": {"interval": [interval]},
            },
            "links": [*links, *own],
        }
    )


def _standing(came: Iterable[Came]) -> list[Came]:
    """Return the newest arrival of each product, the newest first; none of what was withdrawn, or has no time."""
    newest: dict[tuple[str, str, str], Came] = {}
    for one in came:
        newest.setdefault((one.catalogue, one.product.collection, one.product.id), one)
    return [one for one in newest.values() if one.event is not Event.WITHDRAWN and one.product.acquired is not None]


def _name(came: Came) -> str:
    """Name an item by its product: what a file's name may hold, and a digest that tells it from any other."""
    product = came.product
    digest = hashlib.sha256(urn(came.catalogue, product.collection, product.id).encode()).hexdigest()[:8]
    word = re.sub(r"[^A-Za-z0-9_-]+", "-", product.title or product.id).strip("-")[:100]
    return f"{word or 'product'}-{digest}"


def _item(came: Came, feed: Feed) -> dict[str, Any]:
    product, name, shape = came.product, _name(came), ground.shape(came.product.geometry)
    properties = _properties(came)
    links = [
        _link(rel, f"../../../{STAC}" if rel == "root" else f"../{STAC}") for rel in ("root", "parent", "collection")
    ]
    links += [_link("via", href)] if (href := link(product.link)) is not None else []
    links += [_link("self", href)] if (href := feed.href(f"items/{name}.json")) is not None else []
    said = {
        "type": "Feature",
        "stac_version": _VERSION,
        "stac_extensions": [schema for key, schema in _EXTENSIONS.items() if key in properties],
        "id": name,
        "collection": feed.urn.removeprefix("urn:uuid:"),
        "geometry": ground.geometry(shape),
        "properties": properties,
        "links": links,
        "assets": dict(_assets(product)),
    }
    return said if shape is None else said | {"bbox": ground.box([shape])}


def _properties(came: Came) -> dict[str, Any]:
    product, cloud = came.product, percent(came.product.cloud)
    words = {
        "title": product.title,
        "platform": product.platform,
        "processing:level": product.level,
        "grid:code": product.grid,
        "watcher:catalogue": came.catalogue,
        "watcher:collection": product.collection,
        "watcher:event": came.event.value,
    }
    times = {
        "datetime": product.acquired,
        "published": product.published,
        "updated": product.updated,
        "watcher:arrived": came.arrived,
    }
    return {
        **{key: written(time) for key, time in times.items() if time is not None},
        **{key: plain(word) for key, word in words.items() if word},
        **({"instruments": [plain(product.instrument, limit=60)]} if product.instrument else {}),
        **({"eo:cloud_cover": cloud} if cloud is not None else {}),
    }


def _assets(product: Product) -> Iterable[tuple[str, dict[str, Any]]]:
    if (href := link(product.quicklook)) is not None:
        yield "quicklook", {"href": href, "roles": ["overview"]}
    for asset in product.assets:
        if (href := _href(asset)) is not None:
            said = {"href": href, "type": asset.type and plain(asset.type), "roles": ["data"]}
            yield plain(asset.key) or "data", {key: value for key, value in said.items() if value}


def _href(asset: Asset) -> str | None:
    """Return an address that anybody may see; a key of a bucket (`s3://…`) holds no secret."""
    if re.fullmatch(r"(s3|gs)://[\w.-]+/[\w./+=:~-]+", asset.href):
        return asset.href
    return link(asset.href)


def _link(rel: str, href: str, **said: str) -> Mapping[str, str]:
    kind = {"via": {}}.get(rel, {"type": "application/geo+json" if rel == "item" else "application/json"})
    return {"rel": rel, "href": href, **kind, **said}


def _json(said: Mapping[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(said), indent=1) + b"\n"
