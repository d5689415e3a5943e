"""Files of places: GeoJSON, KML, KMZ, CSV, WKT, Shapefile (also zipped), GeoPackage; a place for each feature.

What comes out is WGS84, polygons only, valid, cut at the antimeridian: points get a box around them as `--point` does,
lines a kilometre to each side; heights are dropped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from watcher.errors import UsageError
from watcher.names import fold, plain
from watcher.places.antimeridian import geojson, polygons
from watcher.places.boxes import around
from watcher.places.formats.archive import LARGEST, members
from watcher.places.place import Place

if TYPE_CHECKING:
    from watcher.places.formats.feature import Feature

MOST_FEATURES = 20_000
MOST_POSITIONS = 2_000_000
REACH_KM = 10.0
"""How far around a point is meant where the file does not say."""
_BESIDE_KM = 1.0
_FORMATS = "GeoJSON (.geojson, .json), KML, KMZ, CSV, WKT, Shapefile (.shp, or a .zip of it) and GeoPackage (.gpkg)"
_MAGIC = {
    b"SQLite format 3": ".gpkg",
    b"PK\x03\x04": ".zip",
    b"\x00\x00\x27\x0a": ".shp",
    b"{": ".json",
    b"<": ".kml",
    b"POLYGON": ".wkt",
    b"MULTIPOLYGON": ".wkt",
}


def read(path: Path) -> list[Place]:
    """Read the places of a file, each with a name of its own.

    Names come from the usual attributes (name, site, title…), else from the file and the feature's number; a name that
    occurs again gets a number. Raises `UsageError` for a file that cannot be read or understood, for a feature without
    geometry or outside of the world, and for more than `MOST_FEATURES` features or `MOST_POSITIONS` positions.
    """
    if not path.is_file():
        raise UsageError(f'there is no file "{path}"', hint=f"formats that can be read: {_FORMATS}")
    features: list[Feature] = []
    positions = 0
    for feature in _features(path):
        features.append(feature)
        positions += _count(feature)
        if len(features) > MOST_FEATURES or positions > MOST_POSITIONS:
            raise UsageError(
                f"{path.name} has more than {MOST_FEATURES:,} features or {MOST_POSITIONS:,} positions",
                hint="take the part that is to be watched, or simplify it",
            )
    _none_empty(path, features)
    taken: set[str] = set()
    return [
        _place(feature, _free(_called(feature, path, number, len(features)), taken), path)
        for number, feature in enumerate(features, start=1)
    ]


def _features(path: Path) -> Iterator[Feature]:
    from watcher.places.formats import geopackage, shapefile

    suffix = _suffix(path)
    if suffix == ".gpkg":
        yield from geopackage.features(path, where=path.name)
    elif suffix == ".shp":
        beside = {other.suffix.lower()[1:]: other for other in path.parent.iterdir() if other.stem == path.stem}
        parts = {part: _content(beside[part]) for part in ("dbf", "prj", "cpg") if part in beside}
        yield from shapefile.features(parts | {"shp": _content(path)}, where=path.name)
    elif suffix in (".kmz", ".zip"):
        yield from _archived(_content(path), path.name)
    else:
        yield from _single(suffix, _content(path), path.name)


def _archived(content: bytes, where: str) -> Iterator[Feature]:
    from watcher.places.formats import shapefile

    single = (".kml", ".geojson", ".json", ".csv", ".wkt")
    found = members(content, (*single, ".shp", ".dbf", ".prj", ".cpg"), where=where)
    main = [name for name in found if name.suffix.lower() in (*single, ".shp")]
    if not main:
        raise UsageError(
            f"{where} is an archive without a file of places",
            hint="it may hold .kml, .geojson, .csv, .wkt, or .shp with .prj",
        )
    for name in sorted(main):
        here = f"{where}, {name}"
        if name.suffix.lower() == ".shp":
            beside = {
                other.suffix.lower()[1:]: data
                for other, data in found.items()
                if (other.parent, other.stem) == (name.parent, name.stem)
            }
            yield from shapefile.features(beside, where=here)
        else:
            yield from _single(name.suffix.lower(), found[name], here)


def _single(suffix: str, content: bytes, where: str) -> Iterator[Feature]:
    from watcher.places.formats import geojson, kml, table, wkt

    if suffix in (".geojson", ".json"):
        return geojson.features(content, where=where)
    if suffix == ".kml":
        return kml.features(content, where=where)
    if suffix == ".wkt":
        return wkt.features(content, where=where)
    return table.features(content, where=where)


def _suffix(path: Path) -> str:
    """Return what the file is: by its name, else by its first bytes."""
    suffix = path.suffix.lower()
    if suffix in (".gpkg", ".shp", ".kmz", ".zip", ".geojson", ".json", ".kml", ".csv", ".wkt"):
        return suffix
    if suffix in (".dbf", ".prj", ".shx", ".cpg"):
        raise UsageError(f"{path.name} is a part of a shapefile", hint=f"name {path.with_suffix('.shp').name}")
    try:
        with path.open("rb") as file:
            start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    for magic, found in _MAGIC.items():
        if start.startswith(magic):
            return found
    raise UsageError(f"{path.name} is in no format that can be read", hint=f"these can: {_FORMATS}")


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > LARGEST:
        raise UsageError(f"{path.name} has more than {LARGEST >> 20} MiB", hint="give it in smaller parts")
    return content


def _count(feature: Feature) -> int:
    import shapely

    return 0 if feature.shape is None else int(shapely.get_num_coordinates(feature.shape))


def _none_empty(path: Path, features: list[Feature]) -> None:
    if not features:
        raise UsageError(f"{path.name} has no features")
    empty = [feature for feature in features if feature.shape is None or feature.shape.is_empty]
    if empty:
        named = [f"{one.where} ({plain(one.name, limit=40)})" if one.name else one.where for one in empty[:5]]
        more = f" and {len(empty) - 5:,} more" if len(empty) > 5 else ""
        raise UsageError(
            f"{path.name} has features without geometry: {'; '.join(named)}{more}",
            hint="give them one, or take them out of the file",
        )


def _place(feature: Feature, name: str, path: Path) -> Place:
    import numpy as np
    import shapely

    shape = shapely.force_2d(feature.shape)
    west, south, east, north = shape.bounds
    within = west >= -360 and east <= 360 and south >= -90 and north <= 90
    if not within or not np.isfinite(shapely.get_coordinates(shape)).all():
        raise UsageError(
            f"{feature.where} reaches from {west:g},{south:g} to {east:g},{north:g}, beyond the degrees of WGS84",
            hint="coordinates are longitude, latitude in degrees; reproject it to EPSG:4326 first",
        )
    reach = REACH_KM if feature.reach is None else feature.reach
    pieces = [_widened(part, reach) for part in _simple(shape)]
    drawn = polygons(shapely.union_all(pieces))
    if drawn.is_empty or not drawn.area:
        raise UsageError(f"{feature.where} has no extent", hint="a polygon has at least three corners")
    kinds = {part.geom_type for part in _simple(shape)}
    origin = f"imported from {plain(path.name)}"
    if "Point" in kinds:
        origin += f", a box {reach:g} km around its point"
    elif "LineString" in kinds or "LinearRing" in kinds:
        origin += f", {_BESIDE_KM:g} km beside its line"
    return Place(
        name=name,
        geometry=geojson(drawn),
        country=plain(feature.country, limit=60) if feature.country else None,
        origin=origin,
        kind="imported place",
        exact=kinds == {"Polygon"},
    )


def _simple(shape: Any) -> list[Any]:
    """Return the points, lines and polygons of a shape, however they are nested."""
    import shapely

    waiting, found = [shape], []
    while waiting:
        each = waiting.pop()
        if each.geom_type.startswith("Multi") or each.geom_type == "GeometryCollection":
            waiting += reversed(shapely.get_parts(each))
        elif not each.is_empty:
            found.append(each)
    return found


def _widened(part: Any, reach: float) -> Any:
    """Return a part as valid polygons: around a point, beside a line."""
    import shapely

    if part.geom_type == "Point":
        return shapely.from_geojson(around((part.x + 180) % 360 - 180, part.y, reach))
    if part.geom_type == "Polygon":
        return part if part.is_valid else polygons(shapely.make_valid(part))
    narrow = max(math.cos(math.radians(part.centroid.y)), 0.01)
    flat = shapely.transform(part, lambda positions: positions * [narrow, 1])
    return shapely.transform(
        shapely.buffer(flat, _BESIDE_KM / 111.195, quad_segs=2), lambda positions: positions / [narrow, 1]
    )


def _called(feature: Feature, path: Path, number: int, count: int) -> str:
    name = plain(feature.name or "", limit=100)
    if fold(name):
        return name
    stem = plain(PurePosixPath(path.name).stem, limit=80)
    return stem if count == 1 else f"{stem} {number}"


def _free(name: str, taken: set[str]) -> str:
    free, number = name, 1
    while fold(free) in taken:
        number += 1
        free = f"{name[:94]} {number}"
    taken.add(fold(free))
    return free
