"""A word once a quiet week, to those who want it, that all is still looked at."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from watcher.core import health
from watcher.core.audience import Owed
from watcher.core.calendar import last_week, quiet_until
from watcher.core.filters import means
from watcher.core.health import Concern
from watcher.model import Subscription
from watcher.store import alerts, ledger, polls, products, sites, subscriptions, watching


def still(db: sqlite3.Connection, *, now: datetime) -> None:
    """Tell those who want to know so, once a week, that we still look, if nothing else was to be told."""
    everybody = subscriptions.every(db)
    wanting = [one for one in everybody if one.still and not (one.muted is not None and now < one.muted)]
    added = subscriptions.added(db) if wanting else {}
    for subscription in wanting:
        since = last_week(subscription.rhythm, now)
        theirs = [one.number for one in everybody if one.address == subscription.address]
        if added[subscription.number] > since or not ledger.quiet(db, theirs, since=since):
            continue
        concern = _quiet_week(db, subscription, since=since, now=now)
        if alerts.ever(db, "still", concern.topic):
            continue
        due = quiet_until(subscription.rhythm, now)
        owed = Owed(subscription.address, subscription.number, due, "quiet" if due else None)
        alerts.put(
            db,
            "still",
            concern.topic,
            title=concern.title,
            body=concern.body,
            hint=concern.hint,
            to=[owed],
            now=now,
        )
        alerts.clear(db, "still", concern.topic, now=now)


def _quiet_week(db: sqlite3.Connection, subscription: Subscription, *, since: datetime, now: datetime) -> Concern:
    tags = sites.tags(db)
    watched = [w for w in watching.watches(db) if means(subscription, w.site.number, tags.get(w.site.number, ()))]
    numbers = {watch.site.number for watch in watched}
    return health.still(
        subscription,
        watches=len(watched),
        sites=len(numbers),
        refused=products.arrived(db, since=since, at=numbers),
        read={name: polls.last_good(db, name) for name in {watch.catalogue for watch in watched}},
        since=since,
        now=now,
    )
