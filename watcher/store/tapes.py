"""Downloads whose provider brings the product from its tapes first."""

from __future__ import annotations

import sqlite3
from datetime import datetime

import msgspec

from watcher.store.connection import moment, stamp


class Ordered(msgspec.Struct, frozen=True):
    """A download whose provider brings the product from tape since then; `due` is when it is asked for again."""

    title: str
    catalogue: str
    site: str
    since: datetime
    due: datetime
    problem: str


def staging(db: sqlite3.Connection, revision: int, *, now: datetime) -> datetime:
    """Return since when a product's provider brings it from tape: now, if this is the first time that it says so."""
    (since,) = db.execute("SELECT staged FROM downloads WHERE revision = ?", (revision,)).fetchone()
    return moment(since) or now


def staged(db: sqlite3.Connection, revision: int, *, since: datetime, problem: str, again: datetime) -> None:
    """Note that a product's provider brings it from tape, and when to ask for it again. That is no try that failed."""
    db.execute(
        "UPDATE downloads SET due = ?, staged = ?, problem = ? WHERE revision = ? AND due IS NOT NULL",
        (stamp(again), stamp(since), problem, revision),
    )


def ordered(db: sqlite3.Connection) -> list[Ordered]:
    """Return what is being brought from tape, the longest first."""
    rows = db.execute(
        "SELECT title, catalogue, d.site, staged, due, problem FROM downloads AS d JOIN revisions AS r ON r.number ="
        " d.revision JOIN collections AS c ON c.number = r.collection WHERE staged IS NOT NULL AND due IS NOT NULL"
        " ORDER BY staged, d.revision"
    )
    return [
        Ordered(title, catalogue, site, datetime.fromisoformat(since), datetime.fromisoformat(due), problem)
        for title, catalogue, site, since, due, problem in rows
    ]


def without_order(db: sqlite3.Connection, *, now: datetime) -> set[int]:
    """Return what is due and makes no further order: what was ordered, and what the catalogue says is online."""
    rows = db.execute(
        "SELECT d.revision FROM downloads AS d JOIN revisions AS r ON r.number = d.revision WHERE d.due <= ?"
        " AND (staged IS NOT NULL OR json_extract(r.assets, '$[0].online') = 1)",
        (stamp(now),),
    )
    return {revision for (revision,) in rows}
