"""Boxes as GeoJSON geometries. WGS84, longitude first (RFC 7946)."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from watcher.errors import UsageError
from watcher.places.extent import KM_PER_DEGREE


def box(west: float, south: float, east: float, north: float) -> bytes:
    """Return the polygon of a box in degrees; one with `west` > `east` crosses the antimeridian and is cut there."""
    if not (-90 <= south < north <= 90):
        raise UsageError(
            f"the box {west:g},{south:g},{east:g},{north:g} does not go from south to north within -90…90",
            hint="the order is W,S,E,N in degrees",
        )
    for longitude in (west, east):
        if not -180 <= longitude <= 180:
            raise UsageError(f"the longitude {longitude:g} is not within -180…180", hint="the order is W,S,E,N")
    if west == east:
        raise UsageError(f"the box {west:g},{south:g},{east:g},{north:g} has no width", hint="the order is W,S,E,N")
    if west < east:
        return _dump({"type": "Polygon", "coordinates": [_ring(west, south, east, north)]})
    return _dump(
        {
            "type": "MultiPolygon",
            "coordinates": [[_ring(west, south, 180, north)], [_ring(-180, south, east, north)]],
        }
    )


def around(longitude: float, latitude: float, kilometres: float) -> bytes:
    """Return the box that reaches `kilometres` north, south, east and west of a point (degrees)."""
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise UsageError(
            f"the point {longitude:g},{latitude:g} is not on Earth", hint="the order is LON,LAT in degrees"
        )
    if not 0 < kilometres <= 2000:
        raise UsageError(f"a radius of {kilometres:g} km", hint="it is more than 0 and at most 2000")
    tall = kilometres / KM_PER_DEGREE
    south, north = max(latitude - tall, -90.0), min(latitude + tall, 90.0)
    wide = tall / max(math.cos(math.radians(latitude)), 1e-6)
    if wide >= 180 or south == -90 or north == 90:
        return box(-180, south, 180, north)
    west, east = (_wrap(round(value, 6)) for value in (longitude - wide, longitude + wide))
    return box(west, round(south, 6), east, round(north, 6))


def _ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _wrap(longitude: float) -> float:
    return longitude - 360 if longitude > 180 else longitude + 360 if longitude < -180 else longitude


def _dump(value: Any) -> bytes:
    return msgspec.json.encode(value)
