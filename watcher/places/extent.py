"""How far a place reaches, and near what: from this people see at once whether they swapped two numbers."""

from __future__ import annotations

import math

KM_PER_DEGREE = 111.195
"""Of a great circle, mean Earth radius 6371.0088 km."""


def bounds(geometry: bytes) -> tuple[float, float, float, float]:
    """Return west, south, east, north in degrees; west is greater than east across the antimeridian (RFC 7946 §5.2)."""
    import shapely

    parts = sorted(part.bounds for part in shapely.get_parts(shapely.from_geojson(geometry)) if not part.is_empty)
    west, south = min(part[0] for part in parts), min(part[1] for part in parts)
    east, north = max(part[2] for part in parts), max(part[3] for part in parts)
    if (west, east) == (-180, 180):
        # Cut there, or around the Earth: it begins and ends at the widest gap between its parts.
        reached, widest = -180.0, 0.0
        for part in parts:
            if part[0] - reached > widest:
                west, east, widest = part[0], reached, part[0] - reached
            reached = max(reached, part[2])
    return west, south, east, north


def size(geometry: bytes) -> str:
    """Write how wide and how tall a place is in its middle: `68 x 60 km`, `a point`."""
    west, south, east, north = bounds(geometry)
    tall = (north - south) * KM_PER_DEGREE
    wide = _width(west, east) * KM_PER_DEGREE * math.cos(math.radians((north + south) / 2))
    return f"{_rounded(wide)} x {_rounded(tall)} km" if tall or wide else "a point"


def middle(geometry: bytes) -> tuple[float, float]:
    """Return the longitude and latitude in the middle of the bounds."""
    west, south, east, north = bounds(geometry)
    longitude = west + _width(west, east) / 2
    return (longitude - 360 if longitude > 180 else longitude), (south + north) / 2


def near(geometry: bytes) -> str:
    """Say what town is nearest to the middle, and how far: `4 km from Toulouse, Occitanie, France`, or `in` it."""
    from watcher.places.gazetteer import country, nearest

    town, distance = nearest(*middle(geometry))
    place = ", ".join(part for part in (town.name, town.region, country(town.country)) if part)
    return f"{distance:,.0f} km from {place}" if distance >= 0.5 else f"in {place}"


def doubt(geometry: bytes) -> str | None:
    """Say that a place goes most of the way around the Earth because its east and west may be swapped."""
    import shapely

    west, south, east, north = bounds(geometry)
    # What has more parts than the two of a box was drawn, and not typed.
    if west <= east or _width(west, east) <= 180 or shapely.get_num_geometries(shapely.from_geojson(geometry)) > 2:
        return None
    return (
        f"It goes east from {west:g}° to {east:g}°, {_width(west, east):g}° across the antimeridian; "
        f"what is between them is {east:g},{south:g},{west:g},{north:g}."
    )


def _width(west: float, east: float) -> float:
    return east - west if west <= east else east - west + 360


def _rounded(kilometres: float) -> str:
    return f"{kilometres:,.0f}" if kilometres >= 10 else f"{kilometres:.2g}"
