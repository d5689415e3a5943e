"""Polls: when each catalogue was asked, and how it went."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime

import msgspec

from watcher.store.connection import moment, stamp

_KEPT = 1000


class Poll(msgspec.Struct, frozen=True):
    """One visit to a catalogue. `listed` and `arrived` count products; `problem` is `None` when it went well."""

    number: int
    catalogue: str
    started: datetime
    finished: datetime | None
    listed: int
    arrived: int
    not_before: datetime | None
    problem: str | None


def start(db: sqlite3.Connection, catalogue: str, *, now: datetime) -> int:
    """Note that a catalogue is being asked; forget all but its newest thousand polls."""
    cursor = db.execute(
        "INSERT INTO polls (catalogue, started, turn) VALUES (?1, ?2,"
        " coalesce((SELECT turn + 1 FROM polls WHERE catalogue = ?1 ORDER BY number DESC LIMIT 1), 0))",
        (catalogue, stamp(now)),
    )
    number = int(cursor.lastrowid or 0)
    db.execute(
        "DELETE FROM polls WHERE catalogue = ?1 AND number <= (SELECT number FROM polls WHERE catalogue = ?1"
        f" ORDER BY number DESC LIMIT 1 OFFSET {_KEPT})",
        (catalogue,),
    )
    return number


def finish(
    db: sqlite3.Connection,
    number: int,
    *,
    listed: int,
    arrived: int,
    problem: str | None,
    not_before: datetime | None,
    now: datetime,
) -> None:
    """Note how a poll went."""
    db.execute(
        "UPDATE polls SET finished = ?, listed = ?, arrived = ?, problem = ?, not_before = ? WHERE number = ?",
        (stamp(now), listed, arrived, problem, stamp(not_before) if not_before else None, number),
    )


def leave_alone(db: sqlite3.Connection, catalogue: str, *, until: datetime) -> None:
    """Note that a server asked, at a visit that is no poll, to be left alone until then."""
    db.execute(
        "UPDATE polls SET not_before = max(coalesce(not_before, ''), ?1) WHERE number ="
        " (SELECT max(number) FROM polls WHERE catalogue = ?2)",
        (stamp(until), catalogue),
    )


def turn(db: sqlite3.Connection, number: int) -> int:
    """Return how many polls of its catalogue there were before this one."""
    return int(db.execute("SELECT turn FROM polls WHERE number = ?", (number,)).fetchone()[0])


def turns(db: sqlite3.Connection, catalogue: str) -> int:
    """Return how many polls of a catalogue there were."""
    row = db.execute("SELECT max(turn) + 1 FROM polls WHERE catalogue = ?", (catalogue,)).fetchone()
    return int(row[0] or 0)


def last(db: sqlite3.Connection, catalogue: str, *, finished: bool = False) -> Poll | None:
    """Return the newest poll of a catalogue, or the newest that is finished."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM polls WHERE catalogue = ? AND (NOT ? OR finished IS NOT NULL)"
        " ORDER BY number DESC LIMIT 1",
        (catalogue, finished),
    ).fetchone()
    return _poll(row) if row else None


def at(db: sqlite3.Connection, catalogue: str, when: datetime) -> Poll | None:
    """Return the poll of a catalogue that was under way then, if one was and it is remembered."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM polls WHERE catalogue = ?1 AND started <= ?2 AND coalesce(finished, ?2) >= ?2"
        " ORDER BY number DESC LIMIT 1",
        (catalogue, stamp(when)),
    ).fetchone()
    return _poll(row) if row else None


def between(db: sqlite3.Connection, catalogue: str, start: datetime, end: datetime) -> list[Poll]:
    """Return the polls of a catalogue that began from `start` to before `end`, oldest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM polls WHERE catalogue = ? AND started >= ? AND started < ? ORDER BY number",
        (catalogue, stamp(start), stamp(end)),
    )
    return [_poll(row) for row in rows]


def oldest(db: sqlite3.Connection, catalogue: str) -> datetime | None:
    """Return when the oldest poll of a catalogue began that is remembered."""
    return moment(db.execute("SELECT min(started) FROM polls WHERE catalogue = ?", (catalogue,)).fetchone()[0])


def looked(
    db: sqlite3.Connection, catalogue: str, collections: Iterable[str], *, began: datetime, ended: datetime
) -> None:
    """Note that a poll had everything answered that there was to ask of these collections."""
    db.executemany(
        "UPDATE collections SET asked = ?, answered = ? WHERE catalogue = ? AND name = ?",
        ((stamp(began), stamp(ended), catalogue, collection) for collection in collections),
    )


def looks(db: sqlite3.Connection, catalogue: str) -> dict[str, tuple[datetime, datetime]]:
    """Return when the last such poll of each collection began and ended; none of one that never had any."""
    rows = db.execute("SELECT name, asked, answered FROM collections WHERE catalogue = ?", (catalogue,))
    return {
        name: (datetime.fromisoformat(asked), datetime.fromisoformat(answered))
        for name, asked, answered in rows
        if asked is not None
    }


def last_good(db: sqlite3.Connection, catalogue: str) -> datetime | None:
    """Return when a poll last had everything answered that there was to ask of any collection of a catalogue."""
    return max((ended for _, ended in looks(db, catalogue).values()), default=None)


def failures(db: sqlite3.Connection, catalogue: str) -> int:
    """Count the polls that failed since the last that went well."""
    row = db.execute(
        "SELECT count(*) FROM polls WHERE catalogue = ?1 AND problem IS NOT NULL AND number >"
        " coalesce((SELECT max(number) FROM polls WHERE catalogue = ?1 AND finished IS NOT NULL"
        " AND problem IS NULL), 0)",
        (catalogue,),
    ).fetchone()
    return int(row[0])


def count(db: sqlite3.Connection, catalogue: str, *, since: datetime) -> int:
    """Count the polls of a catalogue that began since then."""
    row = db.execute("SELECT count(*) FROM polls WHERE catalogue = ? AND started >= ?", (catalogue, stamp(since)))
    return int(row.fetchone()[0])


_COLUMNS = "number, catalogue, started, finished, listed, arrived, not_before, problem"


def _poll(row: tuple[int, str, str, str | None, int, int, str | None, str | None]) -> Poll:
    number, catalogue, started, finished, listed, arrived, not_before, problem = row
    return Poll(
        number=number,
        catalogue=catalogue,
        started=datetime.fromisoformat(started),
        finished=moment(finished),
        listed=listed,
        arrived=arrived,
        not_before=moment(not_before),
        problem=problem,
    )
