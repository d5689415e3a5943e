"""What was looked at for each subscriber since the last notice: polls, and why some products were not told of."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from watcher.core.filters import Refusal, means, passed_over, refused
from watcher.core.notices import Looked
from watcher.model import Event, Level, Product, Subscription, Watch
from watcher.store import sites, watching
from watcher.store.connection import moment, stamp

MOST = 2000
"""So many sightings, the newest, are looked through for reasons."""


class _Recent(msgspec.Struct, frozen=True):
    """A product that was seen at a site for the first time: when, and the event that it made there, if any."""

    site: int
    seen: str
    event: Event | None
    coverage: float | None
    product: Product


def looked(db: sqlite3.Connection, subscriptions: Sequence[Subscription], *, now: datetime) -> dict[int, Looked]:
    """Return what was looked at for each of these subscriptions, by number."""
    since = {one.number: _last_notice(db, one, now=now) or one.changed for one in subscriptions}
    known = [time for time in since.values() if time is not None]
    recent = _recent(db, min(known)) if known else []
    tags = sites.tags(db)
    unheard = {one.site for one in recent if one.event is None}
    watches: dict[int, list[Watch]] = {}
    for watch in watching.watches(db, at=unheard) if unheard else ():
        watches.setdefault(watch.site.number, []).append(watch)
    asked = _asked(db)
    found = {}
    for subscription in subscriptions:
        start = since[subscription.number]
        begin = stamp(start) if start else ""
        mine = [one for one in recent if one.seen > begin and means(subscription, one.site, tags.get(one.site, ()))]
        polls, listed = _polls(db, _catalogues(subscription, asked, tags), begin)
        found[subscription.number] = Looked(
            since=start,
            polls=polls,
            listed=listed,
            refused=[why for one in mine if (why := _refused(subscription, one, now))],
            passed_over=[why for one in mine if (why := _passed_over(watches.get(one.site, ()), one))],
            many=len(recent) == MOST,
        )
    return found


def _refused(subscription: Subscription, one: _Recent, now: datetime) -> Refusal | None:
    if one.event is None:
        return None
    return refused(subscription, one.event, one.product, coverage=one.coverage, now=now)


def _passed_over(watches: Sequence[Watch], one: _Recent) -> Refusal | None:
    """Say why no watch announced a product, if it was for their filters: not for what was there at a baseline."""
    if one.event is not None:
        return None
    product = one.product
    reasons = [
        passed_over(watch, product, again=True)
        for watch in watches
        if watch.collection == product.collection and watch.level in (None, product.level)
    ]
    filters = [why for why in reasons if why is not None and why.by != "baseline"]
    return filters[0] if filters and len(filters) == len(reasons) else None


def _last_notice(db: sqlite3.Connection, subscription: Subscription, *, now: datetime) -> datetime | None:
    """Return when the last notice was sent, but for those of a clock that was ahead."""
    row = db.execute(
        "SELECT max(sent) FROM (SELECT sent FROM deliveries WHERE subscription = ? ORDER BY number DESC LIMIT 1000)"
        " WHERE sent <= ?",
        (subscription.number, stamp(now)),
    ).fetchone()
    return moment(row[0])


def _recent(db: sqlite3.Connection, since: datetime) -> list[_Recent]:
    """Return what was seen for the first time since then, the newest first, `MOST` at most."""
    rows = db.execute(
        "SELECT s.site, r.seen, a.event, a.coverage, c.name, r.level, r.acquired, r.cloud, r.platform"
        " FROM sightings AS s CROSS JOIN revisions AS r ON r.number = s.revision"
        " JOIN collections AS c ON c.number = r.collection"
        " LEFT JOIN arrivals AS a ON a.revision = s.revision AND a.site = s.site AND a.event IN ('new', 'revised')"
        f" ORDER BY s.revision DESC LIMIT {MOST}"
    )
    found, begin = [], stamp(since)
    for site, seen, event, coverage, collection, level, acquired, cloud, platform in rows:
        if seen <= begin:
            continue
        product = Product(
            collection, "", "", Level(level) if level else None, moment(acquired), "", cloud=cloud, platform=platform
        )
        found.append(_Recent(site, seen, Event(event) if event else None, coverage, product))
    return found


def _asked(db: sqlite3.Connection) -> dict[int, set[str]]:
    """Return the catalogues that are asked for each watched site."""
    asked: dict[int, set[str]] = {}
    for site, catalogue in db.execute(
        "SELECT DISTINCT site, catalogue FROM watches JOIN collections ON collections.number = collection"
    ):
        asked.setdefault(site, set()).add(catalogue)
    return asked


def _catalogues(
    subscription: Subscription, asked: Mapping[int, set[str]], tags: Mapping[int, frozenset[str]]
) -> Collection[str]:
    """Name the catalogues that are asked for the sites that a subscription means."""
    if subscription.sites is None and not subscription.tags:
        return set().union(*asked.values())
    tagged = {site for site, words in tags.items() if not words.isdisjoint(subscription.tags)}
    return set().union(*(asked.get(site, ()) for site in {*(subscription.sites or ()), *tagged}))


def _polls(db: sqlite3.Connection, catalogues: Collection[str], begin: str) -> tuple[int, int]:
    """Count the polls that went well since then, and the products that the newest of each catalogue listed."""
    polls = listed = 0
    for catalogue in catalogues:
        count, last = db.execute(
            "SELECT count(*), (SELECT p.listed FROM polls AS p WHERE p.catalogue = ?1 AND p.finished IS NOT NULL"
            " AND p.problem IS NULL ORDER BY p.number DESC LIMIT 1) FROM polls WHERE catalogue = ?1"
            " AND finished > ?2 AND problem IS NULL",
            (catalogue, begin),
        ).fetchone()
        polls += count
        listed += last if count else 0
    return polls, listed
