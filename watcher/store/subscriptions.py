"""Subscriptions: who wants to hear, of what."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from watcher.errors import UsageError
from watcher.model import Level, Site, Subscription
from watcher.store.connection import stamp


def every(db: sqlite3.Connection) -> list[Subscription]:
    """Return all subscriptions, oldest first."""
    sites: dict[int, list[int]] = {}
    for subscription, site in db.execute("SELECT subscription, site FROM subscription_sites"):
        sites.setdefault(subscription, []).append(site)
    rows = db.execute("SELECT number, address, name, every_site, levels, max_cloud FROM subscriptions ORDER BY number")
    return [
        Subscription(
            number=number,
            address=address,
            name=name,
            sites=None if every_site else tuple(sites.get(number, ())),
            levels=tuple(Level(level) for level in json.loads(levels)),
            max_cloud=max_cloud,
        )
        for number, address, name, every_site, levels, max_cloud in rows
    ]


def numbered(db: sqlite3.Connection, number: int) -> Subscription:
    """Return the subscription of that number; raises `UsageError` when there is none."""
    for subscription in every(db):
        if subscription.number == number:
            return subscription
    raise UsageError(f"there is no subscription {number}", hint="`watcher subscriptions` lists them")


def add(
    db: sqlite3.Connection,
    *,
    address: str,
    name: str,
    sites: Sequence[Site] | None,
    levels: Sequence[Level],
    max_cloud: float | None,
    now: datetime,
) -> int:
    """Add a subscription to these sites, to every one for `None`; return its number."""
    cursor = db.execute(
        "INSERT INTO subscriptions (address, name, every_site, levels, max_cloud, added) VALUES (?, ?, ?, ?, ?, ?)",
        (address, name, sites is None, json.dumps(list(levels)), max_cloud, stamp(now)),
    )
    number = int(cursor.lastrowid or 0)
    db.executemany(
        "INSERT INTO subscription_sites (subscription, site) VALUES (?, ?)",
        ((number, site.number) for site in sites or ()),
    )
    return number


def remove(db: sqlite3.Connection, subscription: Subscription) -> int:
    """End a subscription; return how many notices it was still owed.

    What the same address wants by another subscription of its own as well stays owed to it.
    """
    db.execute(_HAND_OVER, (subscription.number,))
    owed = db.execute(
        "SELECT count(*) FROM deliveries WHERE subscription = ? AND due IS NOT NULL", (subscription.number,)
    ).fetchone()[0]
    db.execute("DELETE FROM subscriptions WHERE number = ?", (subscription.number,))
    return int(owed)


_HAND_OVER = """
UPDATE deliveries SET subscription = other.number FROM subscriptions AS other, arrivals AS a, revisions AS r
WHERE deliveries.subscription = ?1 AND due IS NOT NULL AND other.number <> ?1 AND other.address = deliveries.address
  AND a.number = deliveries.arrival AND r.number = a.revision
  AND (every_site OR EXISTS (SELECT 1 FROM subscription_sites WHERE subscription = other.number AND site = a.site))
  AND (levels = '[]' OR r.level IN (SELECT value FROM json_each(levels)))
  AND (max_cloud IS NULL OR r.cloud IS NULL OR r.cloud <= max_cloud)
"""
