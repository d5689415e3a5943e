"""What is said of a product beside its files: a STAC Item 1.1 that refers to them where they lie.

Beside the fields of STAC and its extensions file, processing, eo, grid, timestamps and scientific citation it has a few
of our own, with the prefix ``watcher:``, for where the product came from and how it was verified.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from watcher.core.archive.citations import cited
from watcher.core.archive.shelves import file_name
from watcher.core.moments import written
from watcher.model import Asset, Product

_EXTENSION = "https://stac-extensions.github.io/{}/schema.json"
_SHA256 = "1220"
"""The head of a multihash: it is SHA-256, and has 32 bytes."""


class File(msgspec.Struct, frozen=True):
    """A file as it came home: its size in bytes, its ``sha256:hex``, and what proved it to be what was published.

    `name` is its path in the directory of its product; "" where the product is this file.
    """

    name: str
    size: int
    checksum: str
    how: str


def sidecar_name(name: str) -> str:
    """Return what the sidecar of a product's file or directory is called, beside it."""
    return f"{name}.stac.json"


def stac_item(
    product: Product,
    files: Sequence[File],
    *,
    catalogue: str,
    site: str,
    place: str,
    stored: datetime,
    citation: str = "",
) -> dict[str, Any]:
    """Describe a product whose file or directory is `place`: a path, an address, or relative to where the Item is.

    `citation` is how the data of its catalogue are to be cited, see `watcher.core.archive.citations`.
    """
    extensions = ["file/v2.1.0"]
    properties: dict[str, Any] = {
        "title": product.title,
        "datetime": None if product.acquired is None else written(product.acquired),
        "watcher:catalogue": catalogue,
        "watcher:collection": product.collection,
        "watcher:revision": product.revision,
        "watcher:site": site,
        # In milliseconds, as the database keeps it: written again, it is no earlier.
        "watcher:stored": written(stored.replace(microsecond=stored.microsecond // 1000 * 1000)),
    }
    for key, value, extension in (
        ("platform", product.platform, None),
        ("instruments", product.instrument and [product.instrument], None),
        ("published", product.published and written(product.published), "timestamps/v1.1.0"),
        ("updated", product.updated and written(product.updated), None),
        ("processing:level", product.level, "processing/v1.2.0"),
        ("eo:cloud_cover", product.cloud, "eo/v1.1.0"),
        ("grid:code", product.grid, "grid/v1.1.0"),
        ("sci:citation", cited(product, citation), "scientific/v1.0.0"),
    ):
        if value is not None and value != "":
            properties[key] = value
            extensions += [extension] if extension else []
    geometry = json.loads(product.geometry) if product.geometry else None
    said: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [_EXTENSION.format(name) for name in extensions],
        "id": product.id,
        "geometry": geometry,
        "properties": properties,
        "links": [{"rel": "via", "href": product.link}] if product.link else [],
        "assets": _assets(product, files, place),
    }
    if geometry is not None:
        said["bbox"] = _bounds(geometry)
    return said


def sidecar(
    product: Product, files: Sequence[File], *, catalogue: str, site: str, place: str, stored: datetime, citation: str
) -> bytes:
    """Return what lies beside a product: its Item, as `stac_item` makes it, for people to read, too.

    `place` is where it lies in the archive.
    """
    item = stac_item(
        product,
        files,
        catalogue=catalogue,
        site=site,
        place=PurePosixPath(place).name,
        stored=stored,
        citation=citation,
    )
    return msgspec.json.format(msgspec.json.encode(item)) + b"\n"


def _assets(product: Product, files: Sequence[File], place: str) -> dict[str, Any]:
    known = {file_name(asset): asset for asset in product.assets}
    told = {}
    for file in files:
        named = known.get(file.name)
        if named is None and len(product.assets) == 1:
            source, key = product.assets[0], file.name or product.assets[0].key
        else:
            source = named or Asset(file.name, "")
            key = source.key
        path = f"{place}/{file.name}" if file.name else place
        whole = place.startswith("/") or "://" in place
        asset: dict[str, Any] = {"href": path if whole else f"./{path}", "roles": ["data"]}
        if source.type and (not file.name or named is not None):
            asset["type"] = source.type
        asset["file:size"] = file.size
        asset["file:checksum"] = _SHA256 + file.checksum.removeprefix("sha256:")
        asset["watcher:verified"] = file.how
        if source.href:
            asset["watcher:source"] = urlunsplit(urlsplit(source.href)._replace(query="", fragment=""))
        told[key] = asset
    return told


def _bounds(geometry: dict[str, Any]) -> list[float]:
    """Return west, south, east and north of a GeoJSON geometry."""
    points = list(_points(geometry))
    longitudes, latitudes = [point[0] for point in points], [point[1] for point in points]
    return [min(longitudes), min(latitudes), max(longitudes), max(latitudes)]


def _points(geometry: dict[str, Any]) -> Iterator[Sequence[float]]:
    if "geometries" in geometry:
        for part in geometry["geometries"]:
            yield from _points(part)
        return
    stack = [geometry["coordinates"]]
    while stack:
        top = stack.pop()
        if top and isinstance(top[0], int | float):
            yield top
        else:
            stack.extend(top)
