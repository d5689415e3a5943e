"""CSV: a row for each place, by columns of longitude and latitude, of a box, or of WKT; `,`, `;` or a tab between."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from watcher.errors import UsageError
from watcher.places.formats.feature import COUNTRIES, NAMES, Feature, first

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_LONGITUDES = ("lon", "long", "longitude", "lng", "x", "lon_deg", "longitude_deg")
_LATITUDES = ("lat", "latitude", "y", "lat_deg", "latitude_deg")
_SHAPES = ("wkt", "geometry", "geom", "the_geom", "footprint_wkt", "footprint", "wkt_geom")
_BOX = (
    ("west", "xmin", "minlon"),
    ("south", "ymin", "minlat"),
    ("east", "xmax", "maxlon"),
    ("north", "ymax", "maxlat"),
)
_REACHES = ("radius_km", "radius", "km")


def features(content: bytes, *, where: str) -> Iterator[Feature]:
    """Yield the rows; raises `UsageError` for a table without the columns that say where."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{where} is not UTF-8: {error}", hint="save it as CSV in UTF-8") from error
    header = text.partition("\n")[0]
    comma = max(",;\t", key=header.count)
    # Where ; or a tab divides the columns, a comma may be the decimal point.
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=comma, strict=True)
    columns = {(name or "").strip().casefold() for name in reader.fieldnames or ()}
    if not (
        columns & set(_SHAPES)
        or (columns & set(_LONGITUDES) and columns & set(_LATITUDES))
        or all(columns & set(edge) for edge in _BOX)
    ):
        raise UsageError(
            f"{where} has the columns {', '.join(sorted(columns)) or 'none'}: none of them says where",
            hint="the first line names the columns: name and lon, lat; or name and wkt; or name and west, south, east,"
            " north",
        )
    try:
        for row in reader:
            here = f"{where}, line {reader.line_num}"
            values = {key: value for key, value in row.items() if isinstance(key, str) and isinstance(value, str)}
            if any(value.strip() for value in values.values()):
                yield Feature(
                    _shape(values, here, decimal_comma=comma != ","),
                    here,
                    first(values, NAMES),
                    first(values, COUNTRIES),
                    _number(values, _REACHES, here, decimal_comma=comma != ","),
                )
    except csv.Error as error:
        raise UsageError(f"{where}, line {reader.line_num}, is not CSV: {error}") from error


def _shape(row: Mapping[str, str], where: str, *, decimal_comma: bool) -> BaseGeometry | None:
    import shapely

    text = first(row, _SHAPES)
    if text is not None:
        try:
            return shapely.from_wkt(text)
        except shapely.errors.ShapelyError as error:
            raise UsageError(f'{where} has a geometry that is no WKT: "{text[:60]}"') from error
    edges = [_number(row, names, where, decimal_comma=decimal_comma) for names in _BOX]
    if None not in edges:
        west, south, east, north = (edge or 0.0 for edge in edges)
        return shapely.box(west, south, east if east > west else east + 360, north)
    longitude = _number(row, _LONGITUDES, where, decimal_comma=decimal_comma)
    latitude = _number(row, _LATITUDES, where, decimal_comma=decimal_comma)
    if longitude is None and latitude is None:
        return None
    if longitude is None or latitude is None:
        raise UsageError(f"{where} has only one of longitude and latitude")
    return shapely.Point(longitude, latitude)


def _number(row: Mapping[str, str], names: tuple[str, ...], where: str, *, decimal_comma: bool) -> float | None:
    text = first(row, names)
    if text is None:
        return None
    try:
        number = float(text.replace(",", ".") if decimal_comma else text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f'{where} has "{text[:60]}" for {names[0]}', hint="it is a number, in degrees or kilometres")
    return number
