"""One question for many places: near ones are joined to one MultiPolygon (GeoJSON, WGS84, longitude first).

What the union covers beyond the sites costs products that are dropped again, so shapes may be made plainer, never
smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from watcher.core.ground.footprints import footprints

if TYPE_CHECKING:
    import shapely

PLAIN = 32
"""A shape of more vertices is asked for by the boxes around its parts."""

VERTICES = 2000
"""The vertices of one question, at most."""


def joined(geometries: Sequence[bytes], *, most: int) -> list[tuple[list[int], bytes]]:
    """Join places to questions of at most `most` each: return the places' indices and the question's geometry.

    What is no polygon (a point, a line) stays alone, as it was given, as does a place that is left over.
    """
    if not geometries:
        return []  # who watches by code alone needs no shapely
    import shapely

    shapes = footprints(geometries)
    areas = [i for i, shape in enumerate(shapes) if shape is not None and shape.geom_type.endswith("Polygon")]
    alone = sorted(set(range(len(geometries))) - set(areas))
    plain = {index: _plainer(shapes[index]) for index in areas}
    groups: list[list[int]] = []
    vertices = VERTICES
    for index in sorted(areas, key=lambda i: _along_a_curve(shapes[i])):
        size = int(shapely.get_num_coordinates(plain[index]))
        if not groups or len(groups[-1]) == most or vertices + size > VERTICES:
            groups.append([])
            vertices = 0
        groups[-1].append(index)
        vertices += size
    questions = [([index], geometries[index]) for index in alone]
    for group in groups:
        if len(group) == 1:
            questions.append((group, geometries[group[0]]))
        else:
            union = shapely.union_all([plain[index] for index in group])
            questions.append((sorted(group), shapely.to_geojson(union).encode()))
    return questions


def _plainer(shape: shapely.Geometry) -> Any:
    """Return a shape that covers this one, is valid and has few vertices: part by part, as some lie far apart."""
    import shapely

    if shapely.is_valid(shape) and shapely.get_num_coordinates(shape) <= PLAIN:
        return shape
    return shapely.union_all(shapely.envelope(shapely.get_parts(shape)))


def _along_a_curve(shape: shapely.Geometry) -> int:
    """Number the Earth so that near places have near numbers, by and large (a Z-order curve of half arc minutes)."""
    west, south, east, north = shape.bounds
    x, y = round(((west + east) / 2 + 180) * 120), round(((south + north) / 2 + 90) * 120)
    return sum((x >> bit & 1) << 2 * bit | (y >> bit & 1) << 2 * bit + 1 for bit in range(16))
