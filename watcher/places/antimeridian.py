"""Shapes that cross the antimeridian are cut there (RFC 7946 §3.1.9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


def cut(shape: BaseGeometry) -> BaseGeometry:
    """Return a shape whose longitudes run on beyond ±180 (as far as ±540) in pieces within -180…180."""
    import shapely
    from shapely.affinity import translate

    west, south, east, north = shape.bounds
    if west >= -180 and east <= 180:
        return shape
    pieces = []
    for turn in (-360, 0, 360):
        window = shapely.box(turn - 180, south - 1, turn + 180, north + 1)
        piece = translate(shapely.intersection(shape, window), -turn)
        # A piece without extent is an edge that only touches the antimeridian.
        pieces += [part for part in shapely.get_parts(piece) if part.geom_type == "Polygon" and part.area]
    return shapely.union_all(pieces)


def touching(shape: BaseGeometry, outlines: Sequence[BaseGeometry]) -> list[bool]:
    """Say for each outline, which may run on beyond ±180, whether a shape within -180…180 touches it."""
    import shapely
    from shapely.affinity import translate

    touched = [shapely.intersects(translate(shape, turn), outlines) for turn in (-360, 0, 360)]
    return [bool(any(turns)) for turns in zip(*touched, strict=True)]


def geojson(shape: BaseGeometry) -> bytes:
    """Write a shape as a GeoJSON geometry: cut, outer rings counter-clockwise, to 1e-6 degrees (0.1 m)."""
    import shapely

    pieces = shapely.orient_polygons(cut(shape))
    rounded = shapely.transform(pieces, lambda positions: positions.round(6) + 0.0)
    if not rounded.is_valid:
        rounded = polygons(shapely.make_valid(rounded))
    return bytes(shapely.to_geojson(rounded).encode())


def polygons(shape: BaseGeometry) -> BaseGeometry:
    """Return the polygons of a shape, without the lines and points that mending it may have left; maybe none."""
    import shapely

    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    several = [part for part in shapely.get_parts(shape) if part.geom_type == "MultiPolygon"]
    return shapely.union_all([*parts, *several])
