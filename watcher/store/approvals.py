"""Approvals: downloads that are more at once than may come without being asked for."""

from __future__ import annotations

import sqlite3
from datetime import datetime

import msgspec

from watcher.store.connection import stamp


class Waiting(msgspec.Struct, frozen=True):
    """Downloads that wait for approval: so many, for the shelf of a site, of a catalogue and a level, and their bytes.

    `unknown` of them do not say how large they are.
    """

    site: str
    catalogue: str
    level: str | None
    count: int
    size: int
    unknown: int


def hold(db: sqlite3.Connection, *, wanted: datetime) -> None:
    """Let what a poll wants since this moment wait until the poll is over and `judge` knows how much it is."""
    db.execute("UPDATE downloads SET held = 'poll', due = NULL WHERE due = ?1 AND wanted = ?1", (stamp(wanted),))


def judge(db: sqlite3.Connection, catalogue: str, *, most: int, now: datetime) -> int:
    """Let what a poll of a catalogue wants come, unless it is more than that; return how many wait for approval now.

    What a poll wanted that was cut short is counted with the next one's.
    """
    # By the few that wait, not by all that the catalogue has.
    theirs = (
        " WHERE held = 'poll' AND EXISTS (SELECT 1 FROM revisions AS r JOIN collections AS c"
        " ON c.number = r.collection WHERE r.number = revision AND c.catalogue = ?1)"
    )
    count = int(db.execute(f"SELECT count(*) FROM downloads{theirs}", (catalogue,)).fetchone()[0])
    if count > most:
        db.execute(f"UPDATE downloads SET held = 'approval'{theirs}", (catalogue,))
        return count
    if count:
        db.execute(f"UPDATE downloads SET held = NULL, due = ?2{theirs}", (catalogue, stamp(now)))
    return 0


def waiting(db: sqlite3.Connection) -> list[Waiting]:
    """Return what waits for approval, by site."""
    rows = db.execute(
        "SELECT d.site, c.catalogue, r.level, count(*), coalesce(sum(size), 0), count(*) - count(size) FROM (SELECT *,"
        " (SELECT sum(json_extract(value, '$.size')) FROM revisions, json_each(assets) WHERE number = revision) AS size"
        " FROM (SELECT site, revision FROM downloads WHERE held = 'approval')) AS d"
        " JOIN revisions AS r ON r.number = d.revision JOIN collections AS c ON c.number = r.collection"
        " GROUP BY d.site, c.catalogue, r.level ORDER BY d.site, c.catalogue, r.level"
    )
    return [Waiting(*row) for row in rows]


def approve(db: sqlite3.Connection, site: str | None, *, now: datetime) -> int:
    """Let what waits for a site's shelf come, or all of it; return how many."""
    return db.execute(
        "UPDATE downloads SET held = NULL, due = ?1 WHERE held = 'approval' AND (?2 IS NULL OR site = ?2)",
        (stamp(now), site),
    ).rowcount


def refuse(db: sqlite3.Connection, site: str | None) -> int:
    """Do not fetch what waits for a site's shelf, or any of it; return how many. By name it may still be asked for."""
    return db.execute(
        "UPDATE downloads SET held = 'refused' WHERE held = 'approval' AND (?1 IS NULL OR site = ?1)", (site,)
    ).rowcount
