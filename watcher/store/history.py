"""What was seen, as a measure of what is seen now: the newest products, when they came, and what no filter takes."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from watcher.core.health import Unmatched
from watcher.model import Product, Watch
from watcher.store.connection import moment, stamp
from watcher.store.products import one


def newest(db: sqlite3.Connection, watch: Watch, *, limit: int) -> list[Product]:
    """Return the products acquired last that a watch has seen and that were still listed, in their newest revision."""
    rows = db.execute(
        "SELECT max(revisions.number) FROM sightings CROSS JOIN revisions ON revisions.number = revision"
        " JOIN collections ON collections.number = collection"
        " WHERE site = ?1 AND catalogue = ?2 AND collections.name = ?3 AND (?4 IS NULL OR level = ?4)"
        " AND missing IS NULL AND acquired IS NOT NULL GROUP BY collection, id ORDER BY acquired DESC LIMIT ?5",
        (watch.site.number, watch.catalogue, watch.collection, watch.level, limit),
    ).fetchall()
    return [one(db, number)[1] for (number,) in rows]


def unmatched(db: sqlite3.Connection) -> list[Unmatched]:
    """Return the watches that have a filter which none of the products seen there passes."""
    seen = (
        "FROM sightings AS x CROSS JOIN revisions AS r ON r.number = x.revision WHERE x.site = w.site"
        " AND r.collection = w.collection AND w.level IN ('', r.level)"
    )
    rows = db.execute(
        f"SELECT s.name, c.catalogue, c.name, nullif(w.level, ''), w.max_cloud, w.since, (SELECT count(*) {seen})"
        " FROM watches AS w JOIN sites AS s ON s.number = w.site JOIN collections AS c ON c.number = w.collection"
        " WHERE (w.max_cloud IS NOT NULL OR w.since IS NOT NULL) AND w.baselined IS NOT NULL AND s.paused IS NULL"
        f" AND NOT EXISTS (SELECT 1 {seen} AND (w.max_cloud IS NULL OR r.cloud IS NULL OR r.cloud <= w.max_cloud)"
        " AND (w.since IS NULL OR r.acquired IS NULL OR r.acquired >= w.since))"
    )
    return [
        Unmatched(site, catalogue, collection, level, max_cloud, moment(since), count)
        for site, catalogue, collection, level, max_cloud, since, count in rows
    ]


def published(db: sqlite3.Connection, catalogue: str, *, since: datetime) -> dict[str, list[datetime]]:
    """Return, by collection, the hours in which products that are seen were published since then.

    Where the catalogue does not say when, they are those in which arrivals were seen. A collection of which nothing
    arrived since its baseline is left out: it has not been heard yet.
    """
    # Hours, because an archive of a million products would else be a million times.
    rows = db.execute(
        "WITH heard AS (SELECT DISTINCT collection FROM arrivals JOIN revisions ON revisions.number = revision"
        " WHERE event IN ('new', 'revised'))"
        " SELECT DISTINCT name, substr(coalesce(published, CASE WHEN arrivals.number IS NOT NULL THEN seen END), 1, 13)"
        " AS hour FROM heard JOIN collections ON collections.number = heard.collection"
        " JOIN revisions ON revisions.collection = collections.number"
        " LEFT JOIN arrivals ON arrivals.revision = revisions.number"
        " WHERE catalogue = ?1 AND hour >= substr(?2, 1, 13) ORDER BY hour",
        (catalogue, stamp(since)),
    )
    times: dict[str, list[datetime]] = {}
    for name, hour in rows:
        times.setdefault(name, []).append(datetime.fromisoformat(f"{hour}:00:00+00:00"))
    return times
