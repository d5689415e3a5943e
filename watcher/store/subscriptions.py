"""Subscriptions: who wants to hear, of what, when."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, time
from functools import lru_cache
from typing import Any

from watcher.core.audience import Audience, owing
from watcher.core.filters import muted
from watcher.errors import UsageError
from watcher.model import Event, Level, Rhythm, Subscription
from watcher.store import products, sites
from watcher.store.connection import moment, stamp


def every(db: sqlite3.Connection) -> list[Subscription]:
    """Return all subscriptions, oldest first."""
    places: dict[int, list[int]] = {}
    for subscription, site in db.execute("SELECT subscription, site FROM subscription_sites"):
        places.setdefault(subscription, []).append(site)
    rows = db.execute(f"SELECT number, every_site, {', '.join(_COLUMNS)} FROM subscriptions ORDER BY number")
    return [_subscription(row, tuple(places.get(row[0], ()))) for row in rows]


def added(db: sqlite3.Connection) -> dict[int, datetime]:
    """Return since when there is each subscription, by number."""
    return {
        number: datetime.fromisoformat(text) for number, text in db.execute("SELECT number, added FROM subscriptions")
    }


def audience(db: sqlite3.Connection, *, now: datetime) -> Audience:
    """Return who is to hear of what comes now."""
    subscribed = every(db)
    return Audience(subscribed, now=now, tags=sites.tags(db) if any(one.tags for one in subscribed) else {})


def numbered(db: sqlite3.Connection, number: int) -> Subscription:
    """Return the subscription of that number; raises `UsageError` when there is none."""
    for subscription in every(db):
        if subscription.number == number:
            return subscription
    raise UsageError(f"there is no subscription {number}", hint="`watcher subscriptions` lists them")


def add(db: sqlite3.Connection, subscription: Subscription, *, now: datetime) -> int:
    """Add a subscription on these terms; return the number it is given."""
    values = [*_columns(subscription, now=now), stamp(now), subscription.sites is None]
    marks = ", ".join("?" * len(values))
    cursor = db.execute(
        f"INSERT INTO subscriptions ({', '.join(_COLUMNS)}, added, every_site) VALUES ({marks})", values
    )
    number = int(cursor.lastrowid or 0)
    _at(db, number, subscription.sites)
    return number


def change(db: sqlite3.Connection, subscription: Subscription, *, now: datetime) -> int:
    """Give the subscription of that number these terms; return how many deliveries wait for another time than before.

    What is owed goes to the address as it is now. What waits for its first try, or for the end of a silence, is due as
    rhythm and silence say, if they are others: by the new ones. Filters hold for what comes from now on.
    """
    before = numbered(db, subscription.number)
    terms = ", ".join(f"{column} = ?" for column in _COLUMNS)
    db.execute(
        f"UPDATE subscriptions SET {terms}, every_site = ? WHERE number = ?",
        (*_columns(subscription, now=now), subscription.sites is None, subscription.number),
    )
    db.execute("DELETE FROM subscription_sites WHERE subscription = ?", (subscription.number,))
    _at(db, subscription.number, subscription.sites)
    if subscription.address != before.address:
        _readdress(db, subscription)
    if (subscription.rhythm, subscription.muted) == (before.rhythm, before.muted):
        return 0
    to, silenced = owing(subscription, now), muted(subscription, now)
    cursor = db.execute(
        "UPDATE deliveries SET due = ?, hold = ? WHERE subscription = ? AND due IS NOT NULL"
        " AND (attempts = 0 OR hold IS NOT NULL OR ?)",
        (stamp(to.due or now), to.hold, subscription.number, silenced),
    )
    return cursor.rowcount


def _readdress(db: sqlite3.Connection, subscription: Subscription) -> None:
    """Let what is owed go to the new address, but for what that is told already."""
    db.execute(
        "UPDATE OR IGNORE deliveries SET address = ?, attempts = 0, unknown = 0, problem = NULL, notice = NULL"
        " WHERE subscription = ? AND sent IS NULL",
        (subscription.address, subscription.number),
    )
    db.execute(
        "DELETE FROM deliveries WHERE subscription = ? AND sent IS NULL AND address <> ?",
        (subscription.number, subscription.address),
    )


def remove(db: sqlite3.Connection, subscription: Subscription, *, now: datetime) -> int:
    """End a subscription; return how many notices it was still owed.

    What the same address wants by another subscription of its own as well stays owed to it.
    """
    others = [one for one in every(db) if one.address == subscription.address and one.number != subscription.number]
    if others:
        _hand_over(db, subscription, others, now=now)
    dropped = owed(db, subscription.number)
    db.execute("DELETE FROM subscriptions WHERE number = ?", (subscription.number,))
    if not others:
        # Whoever subscribes by it again begins anew.
        db.execute("DELETE FROM recipients WHERE address = ?", (subscription.address,))
    return dropped


def owed(db: sqlite3.Connection, number: int) -> int:
    """Return how many deliveries a subscription waits for."""
    row = db.execute("SELECT count(*) FROM deliveries WHERE subscription = ? AND due IS NOT NULL", (number,)).fetchone()
    return int(row[0])


def _hand_over(
    db: sqlite3.Connection, subscription: Subscription, others: Sequence[Subscription], *, now: datetime
) -> None:
    heirs = Audience(others, now=now, tags=sites.tags(db))
    for number, site, revision, event, home, coverage, alert in db.execute(
        "SELECT d.number, a.site, a.revision, a.event, d.home, a.coverage, l.kind FROM deliveries AS d"
        " LEFT JOIN arrivals AS a ON a.number = d.arrival LEFT JOIN alerts AS l ON l.number = d.alert"
        " WHERE d.subscription = ? AND d.due IS NOT NULL",
        (subscription.number,),
    ).fetchall():
        if alert is not None:
            heir = next((one.number for one in others if alert in one.events), None)
        else:
            told = Event.DOWNLOADED if home else Event(event)
            _, product = products.one(db, revision)
            heir = next((to.subscription for to in heirs.owed(site, product, event=told, coverage=coverage)), None)
        if heir is not None:
            db.execute("UPDATE deliveries SET subscription = ? WHERE number = ?", (heir, number))


_COLUMNS = (
    "address",
    "name",
    "tags",
    "levels",
    "collections",
    "platforms",
    "events",
    "max_cloud",
    "unknown_cloud",
    "min_coverage",
    "acquired_since",
    "every",
    "at",
    "weekday",
    "zone",
    "quiet",
    "muted",
    "fields",
    "still",
    "changed",
)


def _columns(subscription: Subscription, *, now: datetime) -> list[Any]:
    rhythm, since, until = subscription.rhythm, subscription.acquired_since, subscription.muted
    lists = (subscription.tags, subscription.levels, subscription.collections, subscription.platforms)
    return [
        subscription.address,
        subscription.name,
        *(json.dumps(list(words)) for words in (*lists, subscription.events)),
        subscription.max_cloud,
        subscription.unknown_cloud,
        subscription.min_coverage,
        since and stamp(since),
        rhythm.every,
        f"{rhythm.at:%H:%M}",
        rhythm.weekday,
        rhythm.zone,
        rhythm.quiet and "{:%H:%M}-{:%H:%M}".format(*rhythm.quiet),
        until and stamp(until),
        json.dumps(list(subscription.fields)),
        subscription.still,
        stamp(now),
    ]


@lru_cache(maxsize=2048)
def _subscription(row: tuple[Any, ...], places: tuple[int, ...]) -> Subscription:
    """Read a row. A thousand are read for each page of a poll, and hardly ever one has changed."""
    number, every_site, *columns = row
    said = dict(zip(_COLUMNS, columns, strict=True))
    start, _, end = (said["quiet"] or "").partition("-")
    return Subscription(
        number=number,
        address=said["address"],
        name=said["name"],
        sites=None if every_site else places,
        levels=tuple(Level(level) for level in json.loads(said["levels"])),
        max_cloud=said["max_cloud"],
        tags=tuple(json.loads(said["tags"])),
        collections=tuple(json.loads(said["collections"])),
        platforms=tuple(json.loads(said["platforms"])),
        events=tuple(Event(event) for event in json.loads(said["events"])),
        unknown_cloud=bool(said["unknown_cloud"]),
        min_coverage=said["min_coverage"],
        acquired_since=moment(said["acquired_since"]),
        rhythm=Rhythm(
            said["every"],
            time.fromisoformat(said["at"]),
            said["weekday"],
            said["zone"],
            (time.fromisoformat(start), time.fromisoformat(end)) if end else None,
        ),
        muted=moment(said["muted"]),
        fields=tuple(json.loads(said["fields"])),
        still=bool(said["still"]),
        changed=moment(said["changed"]),
    )


def _at(db: sqlite3.Connection, number: int, places: Sequence[int] | None) -> None:
    db.executemany(
        "INSERT INTO subscription_sites (subscription, site) VALUES (?, ?)", ((number, site) for site in places or ())
    )
