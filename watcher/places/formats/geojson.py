"""GeoJSON (RFC 7946): a geometry, a Feature or a FeatureCollection; with `crs`, as files before 2016 had it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from watcher.errors import UsageError
from watcher.places.formats.feature import COUNTRIES, NAMES, Feature, first
from watcher.places.formats.reference import to_wgs84

_WGS84 = ("CRS84", "EPSG::4326", "EPSG:4326")


def features(content: bytes, *, where: str) -> Iterator[Feature]:
    """Yield the features; raises `UsageError` for what is no GeoJSON."""
    try:
        document = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{where} is not JSON that can be read: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("type"), str):
        raise UsageError(f"{where} is JSON, but no GeoJSON: it has no type", hint="see RFC 7946")
    move = _system(document.get("crs"), where)
    for number, feature in enumerate(_listed(document, where), start=1):
        here = f"{where}, feature {number}"
        said = feature.get("properties")
        attributes = said if isinstance(said, dict) else {}
        shape = _shape(feature.get("geometry"), here)
        yield Feature(
            move(shape) if move and shape is not None else shape,
            here,
            first(attributes, NAMES) or first({"id": feature.get("id")}, NAMES),
            first(attributes, COUNTRIES),
        )


def _listed(document: dict[str, Any], where: str) -> list[dict[str, Any]]:
    if document["type"] == "FeatureCollection":
        listed = document.get("features")
        if not isinstance(listed, list) or not all(isinstance(feature, dict) for feature in listed):
            raise UsageError(f"{where} is a FeatureCollection without a list of features", hint="see RFC 7946 §3.3")
        return listed
    return [document if document["type"] == "Feature" else {"geometry": document}]


def _shape(geometry: Any, where: str) -> Any:
    import shapely

    if geometry is None:
        return None
    try:
        return shapely.from_geojson(msgspec.json.encode(geometry))
    except (shapely.errors.ShapelyError, msgspec.MsgspecError, RecursionError) as error:
        raise UsageError(f"{where} has a geometry that cannot be read: {error}", hint="see RFC 7946 §3.1") from error


def _system(crs: Any, where: str) -> Any:
    if crs is None:
        return None
    named = crs.get("properties") if isinstance(crs, dict) else None
    name = named.get("name") if isinstance(named, dict) else None
    if not isinstance(name, str):
        raise UsageError(
            f"{where} has a crs that does not name a reference system", hint="reproject it to EPSG:4326, without crs"
        )
    return None if name.endswith(_WGS84) else to_wgs84(name, where=where)
