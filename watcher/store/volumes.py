"""Bytes that came from each catalogue, by the day (UTC): what its volumes are reckoned by."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, timedelta


def spend(db: sqlite3.Connection, catalogue: str, count: int, *, now: datetime) -> None:
    """Note bytes that came, whether or not they became a product."""
    if not count:
        return
    db.execute(
        "INSERT INTO volumes (catalogue, day, bytes) VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes",
        (catalogue, now.astimezone(UTC).date().isoformat(), count),
    )


def used(db: sqlite3.Connection, catalogue: str, *, now: datetime) -> dict[date, int]:
    """Return the bytes of each day of this month and of the last seven days that had any."""
    today = now.astimezone(UTC).date()
    since = min(today.replace(day=1), today - timedelta(days=7))
    rows = db.execute("SELECT day, bytes FROM volumes WHERE catalogue = ? AND day >= ?", (catalogue, since.isoformat()))
    return {date.fromisoformat(day): count for day, count in rows}
