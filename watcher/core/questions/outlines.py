"""Places as few and short outlines that cover them, for catalogues that are asked by address.

An outline may cover more than its place, never less: what lies beside it is sorted out by
`watcher.core.ground.matching`. All coordinates are WGS84 degrees, longitude first; a geometry is GeoJSON (UTF-8 JSON),
cut at the antimeridian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Box = tuple[float, float, float, float]
"""West, south, east, north."""

Ring = tuple[tuple[float, float], ...]
"""A closed ring, counter-clockwise: its last point is its first."""

_PAD = 0.0001
"""Degrees around a point or a line, so that it has an area: some 10 m."""

_EDGE = 2.0
"""The longest edge, in degrees: a server that draws great circles leaves that of a parallel by 0.03° at most."""


def boxes(geometry: bytes, *, most: int) -> list[Box]:
    """Return a box around each part of a geometry, at most so many."""
    found = sorted(_box(part) for part in _parts(geometry))
    size = -(-len(found) // most)
    groups = [found[start : start + size] for start in range(0, len(found), size)] if size > 1 else [[b] for b in found]
    return [
        (min(b[0] for b in group), min(b[1] for b in group), max(b[2] for b in group), max(b[3] for b in group))
        for group in groups
    ]


def rings(geometry: bytes, *, most: int, points: int) -> list[Ring]:
    """Return a ring around each part of a geometry, at most `most`, with some `points` points in all.

    A part's own outline where it is short enough, else its convex hull, else its box; holes are filled.
    """
    import shapely

    parts = _parts(geometry)
    if len(parts) > most:
        return [_ring(shapely.box(*box)) for box in boxes(geometry, most=most)]
    found = []
    points = max(5, points // max(1, len(parts)))
    for part in parts:
        shapes = [shapely.Polygon(part.exterior)] if part.geom_type == "Polygon" else []
        shapes = [*shapes, *(shape.convex_hull for shape in shapes), shapely.box(*_box(part))]
        fine = [shapely.segmentize(shape, _EDGE) for shape in shapes]
        short = [shape for shape in (*fine, *shapes) if shapely.get_num_coordinates(shape) <= points]
        found.append(_ring(short[0] if short else shapes[-1]))
    return found


def _parts(geometry: bytes) -> list[BaseGeometry]:
    import shapely

    whole = shapely.from_geojson(geometry)
    return [part for part in shapely.get_parts(whole) if not part.is_empty] if not whole.is_empty else []


def _box(part: BaseGeometry) -> Box:
    west, south, east, north = part.bounds
    if part.geom_type != "Polygon":
        west, south, east, north = west - _PAD, south - _PAD, east + _PAD, north + _PAD
    return (
        max(-180.0, round(west, 6)),
        max(-90.0, round(south, 6)),
        min(180.0, round(east, 6)),
        min(90.0, round(north, 6)),
    )


def _ring(shape: BaseGeometry) -> Ring:
    from shapely.geometry.polygon import orient

    return tuple((round(x, 6), round(y, 6)) for x, y, *_ in orient(shape).exterior.coords)
