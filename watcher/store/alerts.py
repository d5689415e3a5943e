"""Alerts: what did not go, or did not come, as it should."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from watcher.core.audience import Owed
from watcher.store import deliveries
from watcher.store.connection import moment, stamp

Kind = Literal["late", "health", "still"]


class Alert(msgspec.Struct, frozen=True):
    """One of a kind and topic (`catalogue cdse`); it is open until it is `cleared`. `site` is a site's name."""

    number: int
    kind: Kind
    topic: str
    site: str | None
    title: str
    body: str
    hint: str | None
    raised: datetime
    cleared: datetime | None


def put(
    db: sqlite3.Connection,
    kind: Kind,
    topic: str,
    *,
    title: str,
    body: str,
    hint: str | None = None,
    site: int | None = None,
    to: Iterable[Owed],
    now: datetime,
) -> bool:
    """Raise an alert and owe it to these addresses; return whether it is new: one of a kind and topic is open."""
    cursor = db.execute(
        "INSERT INTO alerts (kind, topic, site, title, body, hint, raised) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (kind, topic, site, title, body, hint, stamp(now)),
    )
    if cursor.rowcount:
        deliveries.owe_alert(db, int(cursor.lastrowid or 0), to, now=now)
    return bool(cursor.rowcount)


def clear(db: sqlite3.Connection, kind: Kind, topic: str, *, now: datetime) -> Alert | None:
    """Close what is open of a kind and topic, and return it; `None` when nothing is."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM alerts LEFT JOIN sites ON sites.number = site"
        " WHERE kind = ? AND topic = ? AND cleared IS NULL",
        (kind, topic),
    ).fetchone()
    if row is None:
        return None
    db.execute("UPDATE alerts SET cleared = ? WHERE number = ?", (stamp(now), row[0]))
    return _alert(row)


def open_now(db: sqlite3.Connection) -> list[Alert]:
    """Return the alerts that are open, oldest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM alerts LEFT JOIN sites ON sites.number = site WHERE cleared IS NULL"
        " ORDER BY alerts.number"
    )
    return [_alert(row) for row in rows]


def these(db: sqlite3.Connection, numbers: Sequence[int]) -> list[Alert]:
    """Return the alerts of these numbers, in their order."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM json_each(?) AS listed JOIN alerts ON alerts.number = listed.value"
        " LEFT JOIN sites ON sites.number = site",
        (msgspec.json.encode(list(numbers)).decode(),),
    )
    return [_alert(row) for row in rows]


_COLUMNS = "alerts.number, kind, topic, sites.name, title, body, hint, raised, cleared"


def _alert(row: Sequence[Any]) -> Alert:
    number, kind, topic, site, title, body, hint, raised, cleared = row
    return Alert(number, kind, topic, site, title, body, hint, datetime.fromisoformat(raised), moment(cleared))
