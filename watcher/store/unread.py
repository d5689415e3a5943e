"""What catalogues list and nobody can read: kept as it came, until it is read well, or listed no more."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import msgspec

from watcher.model import Unread
from watcher.store.connection import stamp

MOST = 1000
"""So many items of a collection are kept, those that were seen last."""

FORGOTTEN = timedelta(days=21)
"""What was not listed for so long is forgotten: all that is watched is listed once a week."""


class Standing(msgspec.Struct, frozen=True):
    """What of a collection cannot be read: how many items, since when, and the first of them."""

    collection: str
    count: int
    since: datetime
    first: Unread


def note(db: sqlite3.Connection, collection: int, odd: Iterable[Unread], *, now: datetime) -> None:
    """Write down what cannot be read; one that is known by its id stays one, whatever its text is now."""
    for one in odd:
        if one.id:
            db.execute(
                "UPDATE OR IGNORE unread SET digest = ? WHERE collection = ? AND id = ?",
                (one.digest, collection, one.id),
            )
        db.execute(
            "INSERT INTO unread (collection, digest, id, raw, problem, first, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)"
            " ON CONFLICT (collection, digest) DO UPDATE SET id = excluded.id, raw = excluded.raw,"
            " problem = excluded.problem, seen = excluded.seen",
            (collection, one.digest, one.id, one.raw, one.problem, stamp(now)),
        )
    db.execute(
        "DELETE FROM unread WHERE collection = ?1 AND digest IN (SELECT digest FROM unread WHERE collection = ?1"
        f" ORDER BY seen DESC LIMIT -1 OFFSET {MOST})",
        (collection,),
    )


def ids(db: sqlite3.Connection, collection: int) -> set[str]:
    """Return the ids of what of a collection cannot be read."""
    return {name for (name,) in db.execute("SELECT id FROM unread WHERE collection = ? AND id <> ''", (collection,))}


def read_well(db: sqlite3.Connection, collection: int, names: Collection[str]) -> None:
    """Forget what can be read now."""
    db.executemany("DELETE FROM unread WHERE collection = ? AND id = ?", ((collection, name) for name in names))


def unlisted(db: sqlite3.Connection, catalogue: str, collections: Iterable[str], *, since: datetime) -> None:
    """Forget what of these collections was not listed since then, by looks at all that is watched of them."""
    db.executemany(
        "DELETE FROM unread WHERE seen < ? AND collection = (SELECT number FROM collections WHERE catalogue = ?"
        " AND name = ?)",
        ((stamp(since), catalogue, name) for name in collections),
    )


def forget(db: sqlite3.Connection, catalogue: str, *, now: datetime) -> None:
    """Forget what a catalogue has not listed for weeks."""
    db.execute(
        "DELETE FROM unread WHERE seen < ? AND collection IN (SELECT number FROM collections WHERE catalogue = ?)",
        (stamp(now - FORGOTTEN), catalogue),
    )


def standing(db: sqlite3.Connection, catalogue: str) -> list[Standing]:
    """Return what of a catalogue cannot be read, by collection, of those that are watched."""
    rows = db.execute(
        "SELECT name, count(*), min(first), id, problem, raw, digest FROM collections JOIN unread"
        " ON collection = collections.number WHERE catalogue = ? AND EXISTS (SELECT 1 FROM watches"
        " WHERE watches.collection = collections.number) GROUP BY collections.number ORDER BY name",
        (catalogue,),
    )
    # Of the columns that are not aggregated SQLite takes those of the row that has the least.
    return [
        Standing(name, count, datetime.fromisoformat(first), Unread(ident, problem, raw, digest))
        for name, count, first, ident, problem, raw, digest in rows
    ]
