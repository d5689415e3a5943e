"""Landsat scenes by path and row of WRS-2: `106/069`, `198/30`, `198030`, `p198r030`, `WRS2:198/030`.

All paths are one orbit, 360/233 degrees of longitude apart, so that `wrs2.csv` (made from the USGS shapefile by
`data/wrs2.py`) has one outline for each row of its day side, at path 0: to 0.0033 degrees of the shapefile's 28,892.
They are nominal: real scenes lie up to 10 km beside them.
"""

from __future__ import annotations

import csv
import math
import re
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from watcher.errors import UsageError
from watcher.places.antimeridian import geojson, touching
from watcher.places.place import Place

if TYPE_CHECKING:
    from shapely import Polygon

PATHS, ROWS = 233, 248
STEP = 360 / PATHS
"""Degrees of longitude from one path to the next, westwards."""

_WRITTEN = re.compile(
    r"(?:(?:WRS-?2[-:\s]\s?|landsat\s)?(?:(?P<path>\d{1,3})\s?/\s?(?P<row>\d{1,3})|(?P<both>\d{6}))"
    r"|p(?:ath)?\s?(?P<p>\d{1,3})[\s,/]?\s?r(?:ow)?\s?(?P<r>\d{1,3}))",
    re.IGNORECASE | re.ASCII,
)


def read(text: str) -> Place | None:
    """Read a path and row; `None` for a text that does not look like one. Six bare digits are a path and row.

    Raises `UsageError` for a path or row that WRS-2 does not have, and for a row of the night side.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        return None
    both = match["both"] or ""
    path, row = int(match["path"] or match["p"] or both[:3]), int(match["row"] or match["r"] or both[3:])
    if not 1 <= path <= PATHS or not 1 <= row <= ROWS:
        wrong = f"path {path}" if not 1 <= path <= PATHS else f"row {row}"
        raise UsageError(
            f'"{text.strip()}" is no Landsat path and row: WRS-2 has no {wrong}',
            hint=f"paths are 1 to {PATHS}, rows 1 to {ROWS}, as in 198/030",
        )
    if row not in _day():
        raise UsageError(
            f"Landsat path {path}, row {row} is on the night side of the orbit, whose outlines watcher does not know",
            hint="the day side has the rows 1 to 122, 247 and 248; else say where it is: --bbox W,S,E,N",
        )
    return Place(
        name=f"{path:03}/{row:03}",
        geometry=geojson(outline(path, row)),
        origin=f"Landsat path {path}, row {row} (WRS-2), nominal outline",
        kind="Landsat path/row",
        grid=f"WRS2-{path:03}{row:03}",
        exact=True,
    )


def outline(path: int, row: int) -> Polygon:
    """Return the outline of a scene, centred within ±180 degrees; it may run on beyond them."""
    import shapely

    at_zero = _day()[row]
    shift = -STEP * path
    middle = sum(longitude for longitude, _ in at_zero) / 4 + shift
    shift -= 360 * round(middle / 360)
    return shapely.Polygon([(longitude + shift, latitude) for longitude, latitude in at_zero])


def covering(geometry: bytes) -> list[str]:
    """Return the day scenes (`198/030`) that a GeoJSON geometry (WGS84, cut at the antimeridian) touches, sorted."""
    import shapely

    shape = shapely.from_geojson(geometry)
    near = sorted({scene for part in shapely.get_parts(shape) for scene in _near(part.bounds)})
    touched = touching(shape, [outline(path, row) for path, row in near])
    return [f"{path:03}/{row:03}" for (path, row), touches in zip(near, touched, strict=True) if touches]


def _near(bounds: Any) -> list[tuple[int, int]]:
    west, south, east, north = bounds
    found = []
    for row, corners in _day().items():
        longitudes, latitudes = zip(*corners, strict=True)
        if max(latitudes) < south or min(latitudes) > north:
            continue
        first, last = math.ceil((min(longitudes) - east) / STEP), math.floor((max(longitudes) - west) / STEP)
        found += [(path % PATHS or PATHS, row) for path in range(first, min(last, first + PATHS - 1) + 1)]
    return found


@lru_cache(maxsize=1)
def _day() -> dict[int, list[tuple[float, float]]]:
    """Corners at path 0, by row."""
    text = (resources.files("watcher.places") / "wrs2.csv").read_text(encoding="ascii")
    return {
        int(row): list(zip(map(float, numbers[::2]), map(float, numbers[1::2]), strict=True))
        for row, *numbers in list(csv.reader(text.splitlines()))[1:]
    }
