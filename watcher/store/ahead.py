"""What was written while the clock was ahead: once it is right, moments that would not come for years are brought back.

A row that says it was written later than now was written by such a clock, and so is what it waits for. Or the clock is
behind now, as one without a battery is until it was set: then what was looked at, and when, is left as it is.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from watcher.core.health.auditing import EVERY
from watcher.store.connection import stamp, writing

_APART = timedelta(minutes=5)
"""Clocks that are set a little back, and transactions that waited, are no reason to do anything."""

_LONGEST = timedelta(days=3)
"""No download, hook or address waits longer for its next try."""

_DIGEST = timedelta(days=8)
"""No digest is further away, and no end of quiet hours."""

_DELIVERY = (
    "due = max(:now, coalesce((SELECT muted FROM subscriptions WHERE subscriptions.number = subscription), '')),"
    " owed = min(owed, :now), tried = min(tried, :now), failed = min(failed, :now)"
)
# A digest that is due within days is right enough.
_DELIVERIES = "due > :now AND sending IS NULL AND (owed > :soon OR tried > :soon) AND (hold IS NULL OR due > :digest)"
# A first look that began in the future saw nothing, and is to be made again. After any other, what came meanwhile may
# have been passed over: all is listed again, which tells of that.
_WATCH = (
    "baselined = CASE WHEN looked_from > :soon THEN NULL WHEN baselined > :soon THEN :before ELSE baselined END,"
    " looked_from = iif(looked_from > :soon, NULL, looked_from), cursor = iif(cursor > :soon, NULL, cursor),"
    " reread = iif(reread > :soon, NULL, reread), reconcile = :now"
)
_TABLES = {
    # Before the deliveries, by which they are found: a notice waits for files by when its news arrived.
    "arrivals": (
        "arrived = :now",
        "arrived > :soon AND number IN (SELECT arrival FROM deliveries WHERE due > :now AND owed > :soon)",
    ),
    "deliveries": (_DELIVERY, _DELIVERIES),
    "recipients": (
        "again = NULL, worked = min(worked, :now), failing = min(failing, :now)",
        "worked > :soon OR failing > :soon OR again > :late",
    ),
    "downloads": ("due = :now, wanted = min(wanted, :now)", "due > :now AND (wanted > :soon OR due > :late)"),
    "hook_runs": ("due = :now, owed = min(owed, :now)", "due > :now AND (owed > :soon OR due > :late)"),
    "unread": ("first = min(first, :now), seen = :now", "seen > :soon"),
    "watches": (_WATCH, "baselined > :soon OR cursor > :soon OR reread > :soon OR reconcile > :week"),
}
"""What is set in which rows."""

_LOOKED = "SELECT EXISTS (SELECT 1 FROM collections WHERE asked > :soon)"
_MEASURED = (
    "UPDATE collections SET asked = NULL, answered = NULL WHERE asked > :soon",
    "DELETE FROM measures WHERE day > substr(:late, 1, 10)",
    "DELETE FROM appearances WHERE hour > substr(:late, 1, 13)",
)
"""What is forgotten with such a look: it is no look to count from, and its measures would be the newest for years."""

_BEHIND = "SELECT 1 FROM revisions WHERE acquired > :soon AND acquired < seen ORDER BY number DESC LIMIT 1"
"""What was acquired later than now, and seen after that, proves it: satellites have clocks of their own."""

_RIGHT = ("arrivals", "watches")
"""What would lose by a clock that is behind: sites would get a baseline, which tells of nothing, once more."""


def mend(db: sqlite3.Connection, *, now: datetime) -> int:
    """Bring back what waits for a time that only a wrong clock could have named; return how many rows did."""
    times = {
        "now": stamp(now),
        "soon": stamp(now + _APART),
        "late": stamp(now + _LONGEST),
        "digest": stamp(now + _DIGEST),
        "before": stamp(now - EVERY),
        "week": stamp(now + EVERY + _APART),
    }
    ahead = [
        table
        for table, (_, rows) in _TABLES.items()
        if db.execute(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE {rows})", times).fetchone()[0]
    ]
    looked = bool(db.execute(_LOOKED, times).fetchone()[0])
    if not ahead and not looked:
        return 0
    if db.execute(_BEHIND, times).fetchone() is not None:
        ahead, looked = [table for table in ahead if table not in _RIGHT], False
    with writing(db):
        for statement in _MEASURED if looked else ():
            db.execute(statement, times)
        return sum(
            db.execute("UPDATE {} SET {} WHERE {}".format(table, *_TABLES[table]), times).rowcount for table in ahead
        )
