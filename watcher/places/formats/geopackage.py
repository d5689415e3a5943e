"""GeoPackage (OGC 12-128r19): the feature tables of an SQLite file, opened for reading only."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from watcher.errors import UsageError
from watcher.places.formats.feature import COUNTRIES, NAMES, Feature, first
from watcher.places.formats.reference import to_wgs84

_ENVELOPES = (0, 32, 48, 48, 64)
_STEPS = 100_000_000
"""Virtual machine instructions after which a query is taken for one that never ends."""


def features(path: Path, *, where: str) -> Iterator[Feature]:
    """Yield the features of every feature table; raises `UsageError` for what is no GeoPackage."""
    try:
        with closing(_opened(path)) as db:
            tables = db.execute(
                "SELECT table_name, column_name, g.srs_id FROM gpkg_geometry_columns AS g JOIN gpkg_contents AS c"
                " USING (table_name) WHERE c.data_type = 'features' ORDER BY table_name"
            ).fetchall()
            if not tables:
                raise UsageError(f"{where} is a GeoPackage without a table of features")
            for table, column, system in tables:
                yield from _rows(db, table, column, system, f"{where}, table {table}")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise UsageError(
            f"{where} is no GeoPackage that can be read: {error}", hint="is it damaged, or only half copied?"
        ) from error


def _opened(path: Path) -> sqlite3.Connection:
    # What a writer left in a write-ahead log beside the file belongs to it; otherwise nothing is to be made there.
    log = path.with_name(f"{path.name}-wal")
    settled = "" if log.exists() and log.stat().st_size else "&immutable=1"
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{settled}", uri=True)
    spent = 0

    def enough() -> bool:
        nonlocal spent
        spent += 100_000
        return spent > _STEPS

    db.set_progress_handler(enough, 100_000)
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA query_only = ON")
    return db


def _rows(db: sqlite3.Connection, table: str, column: str, system: int, where: str) -> Iterator[Feature]:
    move = _move(db, system, where)
    rows = db.execute(f"SELECT * FROM {_quoted(table)}")
    names = [described[0] for described in rows.description]
    if column not in names:
        raise UsageError(f"{where} has no column {column}, where its geometries should be")
    for number, row in enumerate(rows, start=1):
        here = f"{where}, row {number}"
        attributes = dict(zip(names, row, strict=True))
        shape = _shape(attributes.pop(column), here)
        if shape is not None and move is not None:
            shape = move(shape)
        yield Feature(shape, here, first(attributes, NAMES), first(attributes, COUNTRIES))


def _move(db: sqlite3.Connection, system: int, where: str) -> Callable[[Any], Any] | None:
    if system == 4326:
        return None
    found = db.execute(
        "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?",
        (system,),
    ).fetchone()
    if system in (-1, 0) or found is None:
        raise UsageError(
            f"{where} has the reference system {system}, which is not known",
            hint="give the layer its reference system, or reproject it to EPSG:4326",
        )
    organization, number, definition = found
    known = str(organization).upper() == "EPSG"
    return to_wgs84(f"EPSG:{number}" if known else str(definition), where=where)


def _shape(blob: Any, where: str) -> Any:
    """Read a geometry blob: a header of 8 bytes and an envelope, then WKB (§2.1.3)."""
    import shapely

    if blob is None:
        return None
    if not isinstance(blob, bytes) or len(blob) < 8 or blob[:2] != b"GP" or (blob[3] >> 1 & 7) >= len(_ENVELOPES):
        raise UsageError(f"{where} has a geometry that is no GeoPackage geometry")
    if blob[3] >> 4 & 1:
        return None
    try:
        return shapely.from_wkb(blob[8 + _ENVELOPES[blob[3] >> 1 & 7] :])
    except shapely.errors.ShapelyError as error:
        raise UsageError(f"{where} has a geometry that cannot be read: {error}") from error


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))
