"""A point, a box, a file or a WKT text becomes a GeoJSON geometry. WGS84, longitude first (RFC 7946)."""

from __future__ import annotations

import math
from pathlib import Path

from watcher.errors import UsageError
from watcher.places.boxes import around, box


def from_box(text: str) -> bytes:
    """Read `W,S,E,N`."""
    west, south, east, north = _numbers(text, (4,), "--bbox takes W,S,E,N in degrees, as in 130.4,-13.5,131.2,-12.9")
    return box(west, south, east, north)


def from_point(text: str) -> bytes:
    """Read `LON,LAT` or `LON,LAT,RADIUS_KM`; the radius is 10 km when it is not given."""
    longitude, latitude, *radius = _numbers(
        text, (2, 3), "--point takes LON,LAT or LON,LAT,RADIUS_KM, as in 130.8,-13.2,30"
    )
    return around(longitude, latitude, radius[0] if radius else 10.0)


def from_text(text: str) -> bytes:
    """Read a file (of one of the formats of `files`) or a WKT text.

    The features of a file become one geometry, their union. Raises `UsageError`.
    """
    import numpy as np
    import shapely

    from watcher.places import antimeridian

    path = Path(text).expanduser()
    try:
        is_file = path.is_file()
    except OSError:
        is_file = False
    if not is_file and (path.suffix or "/" in text) and "(" not in text:
        raise UsageError(f'there is no file "{text}"', hint="give a file of geometries, or WKT")
    if is_file:
        from watcher.places import files

        return antimeridian.geojson(
            shapely.union_all([shapely.from_geojson(place.geometry) for place in files.read(path)])
        )
    try:
        with np.errstate(invalid="ignore"):  # "nan" is told of below
            shape = shapely.from_wkt(text)
    except (ValueError, TypeError, shapely.errors.ShapelyError) as error:
        raise UsageError(
            f'"{text[:80]}" is neither a file nor a WKT text that can be read: {error}',
            hint="WKT is like 'POLYGON((130.4 -13.5, 131.2 -13.5, 131.2 -12.9, 130.4 -12.9, 130.4 -13.5))'",
        ) from error
    if shape.is_empty:
        raise UsageError(f'"{text[:80]}" has no extent', hint="give a point, a line or a polygon")
    west, south, east, north = shape.bounds
    # Outlines may run on beyond the antimeridian, as those of files do: they are cut there.
    reach = 360 if shape.geom_type in ("Polygon", "MultiPolygon") else 180
    within = west >= -reach and east <= reach and south >= -90 and north <= 90
    if not within or not all(map(math.isfinite, shapely.get_coordinates(shape).ravel())):
        raise UsageError(
            f"the geometry reaches from {west:g},{south:g} to {east:g},{north:g}, beyond the degrees of WGS84",
            hint="coordinates are longitude, latitude in degrees; reproject it to EPSG:4326 first",
        )
    if not shape.is_valid:
        shape = shapely.make_valid(shape)
    if west < -180 or east > 180:
        return antimeridian.geojson(shape)
    return bytes(shapely.to_geojson(shape).encode())


def _numbers(text: str, counts: tuple[int, ...], wanted: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in counts or not all(map(math.isfinite, numbers)):
        raise UsageError(f'"{text}" cannot be read', hint=wanted)
    return numbers
