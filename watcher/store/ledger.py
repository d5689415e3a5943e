"""Deliveries as people list them: in which state each is, when what happened to it, and what was answered."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Literal

import msgspec

from watcher.store.connection import moment, stamp

State = Literal["queued", "held", "sending", "sent", "unknown", "retrying", "given up"]

STATE = (
    "CASE WHEN sent IS NOT NULL THEN 'sent' WHEN given_up IS NOT NULL THEN 'given up'"
    " WHEN sending IS NOT NULL THEN 'sending' WHEN hold IS NOT NULL AND due > ?1 THEN 'held'"
    " WHEN unknown OR cut IS NOT NULL THEN 'unknown' WHEN attempts > 0 THEN 'retrying' ELSE 'queued' END"
)
"""The state of a row of `deliveries`, in SQL; `?1` is now."""


class Trouble(msgspec.Struct, frozen=True):
    """Deliveries of one address that did not go as they should."""

    address: str
    count: int
    attempts: int
    due: datetime | None
    given_up: datetime | None
    problem: str


def retry(
    db: sqlite3.Connection,
    *,
    subscription: int | None = None,
    address: str | None = None,
    state: State | None = None,
    now: datetime,
) -> int:
    """Make what was given up, or waits for its next try, due at once; return how many.

    Only what is owed because of a `subscription`, to an `address`, or in that `state`, if given.
    """
    cursor = db.execute(
        "UPDATE deliveries SET due = ?1, given_up = NULL, attempts = 0, odd = 0, unknown = 0, failed = NULL"
        " WHERE sent IS NULL AND sending IS NULL AND (given_up IS NOT NULL OR (due > ?1 AND hold IS NULL))"
        " AND (?2 IS NULL OR subscription = ?2) AND (?3 IS NULL OR address = ?3)"
        f" AND (?4 IS NULL OR ?4 = {STATE})",
        (stamp(now), subscription, address, state),
    )
    return cursor.rowcount


def troubles(db: sqlite3.Connection) -> list[Trouble]:
    """Return what waits for another try or was given up, by address."""
    rows = db.execute(
        "SELECT address, count(*), max(attempts), min(due), max(given_up), max(problem) FROM deliveries"
        " WHERE sent IS NULL AND problem IS NOT NULL GROUP BY address, given_up IS NULL ORDER BY address"
    )
    return [
        Trouble(address, count, attempts, moment(due), moment(given_up), problem)
        for address, count, attempts, due, given_up, problem in rows
    ]
