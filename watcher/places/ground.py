"""A place said by other than a name: a tile, path and row, point, box, WKT text, or file."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from watcher.errors import UsageError
from watcher.places.geometry import from_box, from_point, from_text
from watcher.places.place import Place, position

_WKT = re.compile(r"(?i)\s*(?:(?:MULTI)?(?:POINT|LINESTRING|POLYGON)|GEOMETRYCOLLECTION)\s*Z?\s*(?:\(|EMPTY)")
_COMPASS = re.compile(r"(?i)(\d+(?:\.\d+)?)\s*°?\s*([NS])[\s,]+(\d+(?:\.\d+)?)\s*°?\s*([EW])")
_FILES = (".geojson", ".json", ".kml", ".kmz", ".csv", ".shp", ".zip", ".gpkg")


def read(text: str) -> Sequence[Place]:
    """Return the place that a text says, or those of a file; none when the text is a name.

    Raises `UsageError` for what looks like one of these and cannot be right.
    """
    from watcher.places import tiles, wrs

    tile = tiles.read(text) or wrs.read(text)
    if tile is not None:
        return (tile,)
    numbers = text.split(",")
    if len(numbers) in (2, 3, 4) and all(map(_is_number, numbers)):
        return (_box(text) if len(numbers) == 4 else _point(text, *map(float, numbers)),)
    if (compass := _COMPASS.fullmatch(text.strip())) is not None:
        latitude = ("-" if compass[2] in "Ss" else "") + compass[1]
        longitude = ("-" if compass[4] in "Ww" else "") + compass[3]
        return (_point(f"{longitude},{latitude}", float(longitude), float(latitude)),)
    parts = text.replace(",", " ").split()
    if len(parts) > 1 and all(map(_is_number, parts)) and any(part[-1].isdigit() for part in parts):
        raise UsageError(
            f'"{text[:80]}" is neither a point nor a box',
            hint="a point is LON,LAT or LON,LAT,KM, a box W,S,E,N, with commas between the numbers",
        )
    if _WKT.match(text):
        return (Place(name="geometry", geometry=from_text(text), origin="WKT text", kind="geometry", exact=True),)
    path = Path(text).expanduser()
    if path.suffix and _is_file(path):
        from watcher.places import files

        return tuple(files.read(path))
    if path.suffix.lower() in _FILES:
        raise UsageError(f'there is no file "{text[:80]}"', hint="say where it lies, or name the place")
    return ()


def _box(text: str) -> Place:
    return Place(name=f"box {text}", geometry=from_box(text), origin="box W,S,E,N as given", kind="box", exact=True)


def _point(text: str, longitude: float, latitude: float, reach: float = 10.0) -> Place:
    return Place(
        name=position(longitude, latitude),
        geometry=from_point(text),
        origin=f"LON,LAT[,KM] as given, a box that reaches {reach:g} km around it",
        kind="point",
        exact=True,
        point=(longitude, latitude),
    )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A name may be longer than what the file system takes for one.
        return False
