"""Places that are known though not watched: imported from a file, or outlined by a catalogue's own products."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from watcher.errors import UsageError
from watcher.names import fold
from watcher.places.place import Place
from watcher.store.connection import stamp


class Known(StrEnum):
    """What became of a place that was recorded."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


def record(db: sqlite3.Connection, places: Sequence[Place], *, now: datetime) -> list[Known]:
    """Remember places, in place of those that had their names; say of each what it was.

    Watched sites stay where they are. Raises `UsageError` for a place without geometry.
    """
    return [_record(db, place, stamp(now)) for place in places]


def _record(db: sqlite3.Connection, place: Place, at: str) -> Known:
    if place.geometry is None:
        raise UsageError(f"{place.name} has no geometry", hint="give it one, or take it out of the file")
    values: tuple[Any, ...] = (
        place.name,
        place.kind,
        place.geometry.decode(),
        place.country,
        fold(place.country or ""),
        place.origin,
        int(place.exact),
        place.grid,
    )
    before = db.execute(
        "SELECT name, kind, geometry, country, land, origin, exact, grid FROM places WHERE folded = ?",
        (fold(place.name),),
    ).fetchone()
    if before == values:
        return Known.SAME
    db.execute(
        "INSERT OR REPLACE INTO places (folded, name, kind, geometry, country, land, origin, exact, grid, imported)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (fold(place.name), *values, at),
    )
    if before is None:
        return Known.NEW
    # That a catalogue has one product more, and the origin says so, moves nothing.
    return Known.SAME if before[2:4] == values[2:4] else Known.CHANGED


def named(db: sqlite3.Connection, name: str) -> Place | None:
    """Return the place of that name, whether or not it or the name has the country beside it (`ToulouseFrance`).

    `None` when there is none; raises `UsageError` when several may be meant and none has just this name.
    """
    wanted = fold(name)
    rows = db.execute(
        "SELECT folded, name, kind, geometry, country, origin, exact, grid FROM places"
        " WHERE ?1 <> '' AND (folded = ?1"
        " OR land <> '' AND (?1 IN (land || folded, folded || land) OR folded IN (land || ?1, ?1 || land)))"
        " ORDER BY folded <> ?1, name",
        (wanted,),
    ).fetchall()
    if not rows:
        return None
    if len(rows) > 1 and rows[0][0] != wanted:
        names = [row[1] for row in rows]
        raise UsageError(f'"{name}" may be any of {len(names)} places: {", ".join(names)}', hint="name one of them")
    _, name, kind, geometry, country, origin, exact, grid = rows[0]
    return Place(
        name=name,
        kind=kind,
        geometry=geometry.encode(),
        country=country,
        origin=origin,
        exact=bool(exact),
        grid=grid,
    )
