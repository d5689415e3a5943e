"""Recipients: how each address takes what is sent to it, and what that does to what it is owed."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from watcher.core.outbox import LONGEST, Standing
from watcher.store.connection import moment, stamp

_COLUMNS = "worked, failing, failures, refusals, again, aside, problem"


def one(db: sqlite3.Connection, address: str) -> Standing:
    """Return how an address stands; a fresh one has taken nothing and refused nothing."""
    row = db.execute(f"SELECT {_COLUMNS} FROM recipients WHERE address = ?", (address,)).fetchone()
    return Standing() if row is None else _standing(row)


def troubled(db: sqlite3.Connection) -> dict[str, Standing]:
    """Return the addresses that take nothing, or that are set aside."""
    rows = db.execute(f"SELECT address, {_COLUMNS} FROM recipients WHERE failing IS NOT NULL ORDER BY address")
    return {address: _standing(row) for address, *row in rows}


def keep(db: sqlite3.Connection, address: str, standing: Standing) -> None:
    """Write down how an address stands now."""
    times = (standing.worked, standing.failing, standing.again, standing.aside)
    worked, failing, again, aside = (time and stamp(time) for time in times)
    db.execute(
        f"INSERT INTO recipients (address, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE"
        f" SET ({_COLUMNS}) = (?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (address, worked, failing, standing.failures, standing.refusals, again, aside, standing.problem),
    )


def forgive(db: sqlite3.Connection, address: str | None) -> None:
    """Send to an address again as if it had never failed, or to all of them."""
    db.execute(
        "UPDATE recipients SET failing = NULL, failures = 0, refusals = 0, again = NULL, aside = NULL, problem = NULL"
        " WHERE failing IS NOT NULL AND (?1 IS NULL OR address = ?1)",
        (address,),
    )


def wake(db: sqlite3.Connection, address: str, *, at: datetime, now: datetime) -> bool:
    """Make all that waited for an address due, as it takes notices again; return whether anything waits.

    So is what was given up only because there was no answer, not long ago. What is refused by itself keeps its time.
    """
    db.execute(
        "UPDATE deliveries SET due = ?2, given_up = NULL WHERE address = ?1 AND sent IS NULL AND sending IS NULL"
        " AND hold IS NULL AND odd = 0 AND attempts > 0"
        " AND (due IS NOT NULL OR (given_up IS NOT NULL AND unknown AND failed > ?3))",
        (address, stamp(at), stamp(now - LONGEST)),
    )
    row = db.execute(
        "SELECT EXISTS (SELECT 1 FROM deliveries WHERE address = ? AND sent IS NULL AND due IS NOT NULL"
        " AND attempts > 0)",
        (address,),
    ).fetchone()
    return bool(row[0])


def give_up(db: sqlite3.Connection, address: str, *, problem: str, now: datetime) -> None:
    """Give up all that an address is owed, but what is being sent to it."""
    db.execute(
        "UPDATE deliveries SET given_up = ?, due = NULL, hold = NULL, problem = ?"
        " WHERE address = ? AND sent IS NULL AND due IS NOT NULL AND sending IS NULL",
        (stamp(now), problem, address),
    )


def forgo(db: sqlite3.Connection, *, now: datetime) -> None:
    """Give up what is due to addresses that were set aside."""
    db.execute(
        "UPDATE deliveries SET given_up = ?1, due = NULL, problem = 'not tried: the address is set aside'"
        " WHERE EXISTS (SELECT 1 FROM recipients WHERE aside IS NOT NULL) AND due <= ?1 AND sending IS NULL"
        " AND address IN (SELECT address FROM recipients WHERE aside IS NOT NULL)",
        (stamp(now),),
    )


def _standing(row: Any) -> Standing:
    worked, failing, failures, refusals, again, aside, problem = row
    return Standing(moment(worked), moment(failing), failures, refusals, moment(again), moment(aside), problem)
