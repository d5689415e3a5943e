"""The footprints of a page, read at once.

Nearly all are polygons of one ring. Those are built from one array of coordinates, which takes a third of the time that
GEOS needs for their GeoJSON; whatever else a page has (several rings or parts, heights, no footprint at all) is left to
GEOS.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from watcher.decoding import decoder

if TYPE_CHECKING:
    import shapely

_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_PAIR = re.compile(rf"\[\s*({_NUMBER})\s*,\s*({_NUMBER})")


class _Plain(msgspec.Struct, tag="Polygon", gc=False):
    coordinates: list[list[tuple[float, float]]]


_plain = decoder(list[_Plain]).decode


def footprints(geometries: Sequence[bytes | None]) -> Any:
    """Read GeoJSON geometries into an array of shapes; `None` stands for what is missing or cannot be read."""
    import shapely

    shapes = _of_one_ring(geometries)
    return shapely.from_geojson(list(geometries), on_invalid="ignore") if shapes is None else shapes


def _of_one_ring(geometries: Sequence[bytes | None]) -> Any:
    """Read polygons of one ring each; `None` as soon as one is anything else."""
    import numpy as np
    import shapely

    if None in geometries:
        return None
    try:
        polygons = _plain(b"[" + b",".join(geometries) + b"]")  # type: ignore[arg-type]  # there is no None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    rings = [polygon.coordinates[0] for polygon in polygons if len(polygon.coordinates) == 1]
    if len(rings) != len(geometries) or any(len(ring) < 4 or ring[0] != ring[-1] for ring in rings):
        return None
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(rings)), dtype=np.float64)
    owners = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    return shapely.polygons(shapely.linearrings(flat.reshape(-1, 2), indices=owners))


def around(geometry: bytes | None) -> shapely.Geometry | None:
    """Return the box around all that looks like a position in a geometry that cannot be read; `None` without any."""
    import shapely

    pairs = [(float(x), float(y)) for x, y in _PAIR.findall((geometry or b"").decode("utf-8", "replace"))]
    return shapely.envelope(shapely.MultiPoint(pairs)) if pairs else None


def coverage(ground: bytes | None, footprint: bytes | None) -> float | None:
    """Return how much of a site's ground a footprint covers, in percent; `None` where either is not known.

    Both are GeoJSON geometries, WGS84, longitude first. Shares of area are taken in degrees: over one site the length
    of a degree hardly changes. A site without area, a point or a line, is covered wholly or not at all.
    """
    if ground is None or footprint is None:
        return None
    import shapely

    site, seen = _shape(ground), footprints([footprint])[0]
    if site is None or seen is None or seen.is_empty:
        return None
    if not seen.is_valid:
        seen = shapely.make_valid(seen)
    if site.area == 0:
        return 100.0 if site.intersects(seen) else 0.0
    return float(min(100.0, 100 * site.intersection(seen).area / site.area))


@lru_cache(maxsize=256)
def _shape(geometry: bytes | None) -> shapely.Geometry | None:
    import shapely

    shape = footprints([geometry])[0]
    if shape is None or shape.is_empty:
        return None
    return shape if shape.is_valid else shapely.make_valid(shape)
