"""Footprints as RFC 7946 and STAC want them: wound to the right, flat, with their box."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from watcher.core.ground.footprints import footprints

if TYPE_CHECKING:
    import shapely

Box = tuple[float, float, float, float]
"""West, south, east, north."""


def shape(geometry: bytes | None) -> shapely.Geometry | None:
    """Read a GeoJSON geometry; `None` for none, for one that is empty or off the globe, and what cannot be read."""
    import shapely

    read = footprints([geometry])[0]
    if read is None or read.is_empty:
        return None
    west, south, east, north = read.bounds
    # A comparison with what is no number is false.
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        return None
    return shapely.orient_polygons(shapely.force_2d(read))


def geometry(ground: shapely.Geometry | None) -> Any:
    """Return a shape as the value of a `geometry` in JSON."""
    import shapely

    return None if ground is None else msgspec.json.decode(shapely.to_geojson(ground))


def box(grounds: Iterable[shapely.Geometry | None]) -> Box | None:
    """Return the box around shapes; `None` if there are none."""
    return around([ground.bounds for ground in grounds if ground is not None])


def around(boxes: Sequence[Box]) -> Box | None:
    """Return the box around boxes; `None` if there are none."""
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)
