"""Measures: what questions listed and cost, and when products appeared. Two weeks and eight weeks of them are kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import ceil, log2

import msgspec

from watcher.core.questions.asking import Load
from watcher.store.connection import moment

KEPT = timedelta(days=56)
"""How long it is kept when products appeared."""

_RECENT = timedelta(days=14)
_DAY = 86_400.0


class Measure(msgspec.Struct, frozen=True):
    """What one question was like.

    `way` is `sweep`, `places` or `whole`; `places` is how many it was for; `fresh` of the products that it listed are
    what the catalogue learnt of in the last `seconds`; `size` is in bytes. Of one that was not `answered` only the cost
    counts, and whether it was `too_much` for the server.
    """

    way: str
    places: int = 0
    listed: int = 0
    fresh: int = 0
    seconds: float = 0.0
    requests: int = 0
    size: int = 0
    answered: bool = True
    too_much: bool = False


def note(db: sqlite3.Connection, collection: int, measure: Measure, *, now: datetime) -> None:
    """Add a question to the day's; what is older than two weeks is forgotten."""
    db.execute("DELETE FROM measures WHERE collection = ? AND day < ?", (collection, _date(now - _RECENT)))
    answered = measure.answered
    places = measure.places if measure.way != "sweep" else 1
    db.execute(
        "INSERT INTO measures VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " questions = questions + 1, failed = failed + excluded.failed, places = places + excluded.places,"
        " listed = listed + excluded.listed, fresh = fresh + excluded.fresh, seconds = seconds + excluded.seconds,"
        " requests = requests + excluded.requests, bytes = bytes + excluded.bytes",
        (
            collection,
            measure.way,
            _date(now),
            measure.too_much,
            measure.places if answered else 0,
            measure.listed if answered else 0,
            measure.fresh if answered else 0,
            measure.seconds * places if answered else 0.0,
            measure.requests,
            measure.size,
        ),
    )


def appear(
    db: sqlite3.Connection, collection: int, products: Mapping[tuple[datetime, int], int], *, now: datetime
) -> None:
    """Count products by when they appeared, and by the minutes that they were behind the cursor (-1: not known)."""
    hours: dict[tuple[str, int], int] = {}
    for (time, minutes), count in products.items():
        key = (_hour(time), minutes if minutes < 1 else _rounded(minutes))
        hours[key] = hours.get(key, 0) + count
    if not hours:
        return
    db.execute("DELETE FROM appearances WHERE collection = ? AND hour < ?", (collection, _hour(now - KEPT)))
    db.executemany(
        "INSERT INTO appearances VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET products = products + excluded.products",
        ((collection, hour, behind, count) for (hour, behind), count in hours.items()),
    )


def loads(db: sqlite3.Connection, catalogue: str, *, now: datetime) -> dict[str, Load]:
    """Return what was measured of each collection of a catalogue."""
    late: dict[int, dict[int, int]] = {}
    for collection, behind, count in db.execute(
        "SELECT collection, behind, sum(products) FROM appearances JOIN collections ON number = collection"
        " WHERE catalogue = ? AND behind >= 0 GROUP BY collection, behind",
        (catalogue,),
    ):
        late.setdefault(collection, {})[behind] = count
    ways: dict[int, dict[str, tuple[int, int, int, float, str | None, int]]] = {}
    for collection, way, *sums in db.execute(
        "SELECT collection, way, sum(places), sum(listed), sum(fresh), sum(seconds),"
        " max(CASE WHEN seconds > 0 THEN day END), sum(CASE WHEN day = ? THEN failed ELSE 0 END)"
        " FROM measures JOIN collections ON number = collection WHERE catalogue = ? GROUP BY collection, way",
        (_date(now), catalogue),
    ):
        ways.setdefault(collection, {})[way] = tuple(sums)
    names = db.execute("SELECT number, name FROM collections WHERE catalogue = ?", (catalogue,)).fetchall()
    nothing = (0, 0, 0, 0.0, None, 0)
    found = {}
    for number, name in names:
        sweep, place, whole = (ways.get(number, {}).get(way, nothing) for way in ("sweep", "places", "whole"))
        found[name] = Load(
            everywhere=_DAY * sweep[2] / sweep[3] if sweep[3] > 0 else None,
            place=_DAY * place[2] / place[3] if place[3] >= _DAY else None,
            held=whole[1] / whole[0] if whole[0] else None,
            late=late.get(number, {}),
            sounded=moment(f"{sweep[4]}T00:00:00Z") if sweep[4] else None,
            failed=sweep[5] > 0,
        )
    return found


def appeared(db: sqlite3.Connection, catalogue: str) -> dict[str, dict[datetime, int]]:
    """Return how many products appeared in which hour, by collection of a catalogue."""
    found: dict[str, dict[datetime, int]] = {}
    for name, hour, count in db.execute(
        "SELECT name, hour, sum(products) FROM appearances JOIN collections ON number = collection WHERE catalogue = ?"
        " GROUP BY collection, hour ORDER BY hour",
        (catalogue,),
    ):
        found.setdefault(name, {})[datetime.fromisoformat(f"{hour}:00:00Z")] = count
    return found


def spent(db: sqlite3.Connection, catalogue: str, *, day: datetime) -> tuple[int, int, int]:
    """Return the questions, the requests and the bytes that a catalogue cost on a day (UTC)."""
    row = db.execute(
        "SELECT coalesce(sum(questions), 0), coalesce(sum(requests), 0), coalesce(sum(bytes), 0) FROM measures"
        " JOIN collections ON number = collection WHERE catalogue = ? AND day = ?",
        (catalogue, _date(day)),
    ).fetchone()
    return int(row[0]), int(row[1]), int(row[2])


def _rounded(minutes: int) -> int:
    """Round up, to at most a fifth more, so that there are few numbers to keep."""
    return ceil(2 ** (ceil(4 * log2(minutes)) / 4))


def _date(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d}"


def _hour(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H}"
