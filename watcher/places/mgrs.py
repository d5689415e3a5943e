"""Where a Sentinel-2 tile lies: arithmetic on its name, in the grid of MGRS on UTM/WGS84.

A tile is the square of 100 km of that name, widened to 109.8 km: its upper left corner is moved outwards to a
multiple of 60 m, counted from the equator. Against ESA's list of tiles the corners are right to 0.2 m.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from shapely import Polygon

BANDS = "CDEFGHJKLMNPQRSTUVWX"
COLUMNS = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
"""The letters of 100 to 800 km east, for the zones 1, 4, 7…, the zones 2, 5, 8… and the zones 3, 6, 9…"""
ROWS = "ABCDEFGHJKLMNPQRSTUV"
SIDE = 109_800
"""Metres of a tile's side."""

_TILE = re.compile(r"(\d{2})([A-Z])([A-Z])([A-Z])")
_PIXEL = 60


class Square(NamedTuple):
    """A tile on the map: UTM zone, hemisphere, and its upper left corner in metres (as in EPSG:326zz and 327zz)."""

    zone: int
    south: bool
    x: int
    y: int


def square(tile: str) -> Square:
    """Return where a tile (`31TCJ`) lies; raises `ValueError` saying which of its letters cannot be."""
    match = _TILE.fullmatch(tile)
    if match is None:
        raise ValueError("a tile is a zone of two digits and three letters")
    zone, band, column, row = int(match[1]), match[2], match[3], match[4]
    if not 1 <= zone <= 60:
        raise ValueError(f"the zones are 1 to 60, not {zone}")
    if band not in BANDS:
        raise ValueError(f"the bands of latitude are C to X without I and O, not {band}")
    columns = COLUMNS[(zone - 1) % 3]
    if column not in columns:
        raise ValueError(f"the columns of zone {zone} are {columns[0]} to {columns[-1]} without I and O, not {column}")
    if row not in ROWS:
        raise ValueError(f"the rows are A to V without I and O, not {row}")
    easting = 100_000 * (columns.index(column) + 1)
    # Rows repeat every 2,000 km, and begin five letters later in even zones.
    bottom = 100_000 * ((ROWS.index(row) - (0 if zone % 2 else 5)) % 20)
    latitude = 78.0 if band == "X" else -76.0 + 8 * BANDS.index(band)
    cycle = round((latitude * 110_800 - bottom - 50_000) / 2_000_000)
    top = bottom + cycle * 2_000_000 + 100_000
    south = band < "N"
    return Square(
        zone,
        south,
        easting // _PIXEL * _PIXEL,
        math.ceil(top / _PIXEL) * _PIXEL + (10_000_000 if south else 0),
    )


def outlines(tiles: Sequence[str]) -> list[Polygon]:
    """Return the outlines of tiles in degrees: four corners, counter-clockwise from the upper left.

    Longitudes run on beyond ±180 for a tile on the antimeridian.
    """
    import numpy as np
    import shapely

    squares = [square(tile) for tile in tiles]
    corners = np.empty((len(tiles), 4, 2))
    maps: dict[tuple[int, bool], list[int]] = {}
    for index, one in enumerate(squares):
        maps.setdefault((one.zone, one.south), []).append(index)
    for (zone, south), chosen in maps.items():
        x = np.array([squares[index].x for index in chosen])[:, None] + np.array([0, 0, SIDE, SIDE])
        y = np.array([squares[index].y for index in chosen])[:, None] - np.array([0, SIDE, SIDE, 0])
        longitude, latitude = _utm(zone, south)(x, y, inverse=True)
        middle = 6 * zone - 183
        corners[chosen, :, 0] = middle + (longitude - middle + 180) % 360 - 180
        corners[chosen, :, 1] = latitude
    return list(shapely.polygons(corners))


def zones(west: float, south: float, east: float, north: float) -> Iterable[tuple[int, str]]:
    """Yield zone and band of the tiles that may reach into a box (degrees, -180…180, west before east)."""
    for index, band in enumerate(BANDS):
        # ESA's band C goes on to the south of where MGRS ends it.
        low, high = -84 if band == "C" else 8 * index - 80, 84 if band == "X" else 8 * index - 72
        # A square is at most a side outside of its band, and outside of its zone.
        if high + 1.1 < south or low - 1.1 > north:
            continue
        farthest = min(max(abs(low), abs(high)) + 1.1, 85.0)
        reach = 3 + 1.1 / math.cos(math.radians(farthest))
        if band in "VX":
            reach += 3  # around Norway and Svalbard, zones are wider
        for zone in range(1, 61):
            middle = 6 * zone - 183
            if any(middle - reach <= east + turn and middle + reach >= west + turn for turn in (-360, 0, 360)):
                yield zone, band


@lru_cache(maxsize=120)
def _utm(zone: int, south: bool) -> Any:
    from pyproj import Proj

    return Proj(proj="utm", zone=zone, south=south, ellps="WGS84")
