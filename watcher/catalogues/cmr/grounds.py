"""What ground a granule covers: UMM-G's spatial extent as a GeoJSON geometry (WGS84, longitude first).

Polygons of UMM have no seam at the antimeridian: one that crosses it goes on from 179 to -179, and is cut there. Holes
are kept; boxes whose west is east of their east cross it as well. Orbits and tracks have no footprint here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from watcher.places.antimeridian import geojson

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_FIELDS = ("WestBoundingCoordinate", "SouthBoundingCoordinate", "EastBoundingCoordinate", "NorthBoundingCoordinate")


def footprint(extent: Any) -> bytes | None:
    """Return the geometry; `None` where there is none, or where it cannot be read: then the server is believed."""
    match extent:
        case {"HorizontalSpatialDomain": {"Geometry": dict(geometry)}}:
            pass
        case _:
            return None
    import shapely

    try:
        areas = [*_polygons(geometry), *_boxes(geometry)]
        if not areas:
            points = [(float(p["Longitude"]), float(p["Latitude"])) for p in geometry.get("Points") or ()]
            return bytes(shapely.to_geojson(shapely.MultiPoint(points)).encode()) if points else None
        shape = shapely.union_all([area if area.is_valid else shapely.make_valid(area) for area in areas])
        west, south, east, north = shape.bounds
        if not (-540 <= west <= east <= 540 and -90.01 <= south <= north <= 90.01):
            return None
        return geojson(shape)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, shapely.errors.ShapelyError):
        return None


def _polygons(geometry: dict[str, Any]) -> Iterator[BaseGeometry]:
    import shapely

    for polygon in geometry.get("GPolygons") or ():
        outer = _unbroken([_position(point) for point in polygon["Boundary"]["Points"]])
        holes = ((polygon.get("ExclusiveZone") or {}).get("Boundaries")) or ()
        inner = [_unbroken([_position(p) for p in hole["Points"]], near=outer[0][0]) for hole in holes]
        yield shapely.Polygon(outer, inner)


def _boxes(geometry: dict[str, Any]) -> Iterator[BaseGeometry]:
    import shapely

    for box in geometry.get("BoundingRectangles") or ():
        west, south, east, north = (float(box[name]) for name in _FIELDS)
        yield shapely.box(west, south, east + 360 if east < west else east, north)


def _position(point: dict[str, Any]) -> tuple[float, float]:
    return float(point["Longitude"]), float(point["Latitude"])


def _unbroken(ring: list[tuple[float, float]], *, near: float | None = None) -> list[tuple[float, float]]:
    """Let longitudes run on where a ring crosses the antimeridian: no edge is longer than half the Earth."""
    before = ring[0][0] if near is None else near
    found = []
    for longitude, latitude in ring:
        turned = longitude + 360 * round((before - longitude) / 360)
        found.append((turned, latitude))
        before = turned
    return found
