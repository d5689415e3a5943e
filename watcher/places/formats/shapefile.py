"""ESRI Shapefile: the shapes of `.shp`, their attributes from `.dbf`, their reference system from `.prj`."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator, Mapping
from typing import Any

from watcher.errors import UsageError
from watcher.places.formats.feature import COUNTRIES, NAMES, Feature, first
from watcher.places.formats.reference import to_wgs84


def features(parts: Mapping[str, bytes], *, where: str) -> Iterator[Feature]:
    """Yield the shapes; `parts` has the contents by suffix (`shp`, `dbf`, `prj`, `cpg`).

    Raises `UsageError` for a shapefile without reference system, and for a damaged one.
    """
    if "prj" not in parts:
        raise UsageError(
            f"{where} has no .prj beside it, so the reference system of its coordinates is not known",
            hint="put the .prj beside it, or export it again as GeoPackage or GeoJSON",
        )
    told = 2 * int.from_bytes(parts["shp"][24:28])
    if told != len(parts["shp"]):
        raise UsageError(
            f"{where} says that it has {told:,} bytes, but has {len(parts['shp']):,}",
            hint="is it damaged, or only half copied?",
        )
    move = to_wgs84(parts["prj"].decode("utf-8-sig", errors="replace"), where=where)
    encoding = _encoding(parts.get("cpg"), parts.get("dbf", b""))
    number = 0
    try:
        for number, (shape, attributes) in enumerate(_read(parts, encoding), start=1):
            here = f"{where}, feature {number}"
            yield Feature(
                None if shape is None else move(shape), here, first(attributes, NAMES), first(attributes, COUNTRIES)
            )
    except UsageError:
        raise
    except Exception as error:  # pyshp raises whatever a damaged file leads it into
        raise UsageError(
            f"{where} cannot be read beyond feature {number}: {error}", hint="is it damaged, or only half copied?"
        ) from error


def _read(parts: Mapping[str, bytes], encoding: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    import shapefile
    import shapely

    shapefile.VERBOSE = False  # it would log what it mends
    table = {"dbf": io.BytesIO(parts["dbf"])} if "dbf" in parts else {}
    with shapefile.Reader(shp=io.BytesIO(parts["shp"]), encoding=encoding, encodingErrors="replace", **table) as reader:
        for shape in reader.iterShapes():
            drawn = None if shape.shapeTypeName == "NULL" else shapely.geometry.shape(shape.__geo_interface__)
            yield drawn, reader.record(shape.oid).as_dict() if table else {}


def _encoding(page: bytes | None, table: bytes) -> str:
    """Return how the attributes are written: as the .cpg says, else UTF-8 if they are that, else Latin-1."""
    named = (page or b"").decode("ascii", errors="replace").strip()
    for name in (named, f"cp{named}", named.replace("ISO 88591", "latin-1")):
        try:
            return codecs.lookup(name).name
        except LookupError:
            continue
    try:
        table[32:].decode()
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"
