"""What was seen, as a measure of what is seen now: the newest products of a watch, and when a catalogue published."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from watcher.model import Product, Watch
from watcher.store.connection import stamp
from watcher.store.products import one


def newest(db: sqlite3.Connection, watch: Watch, *, limit: int) -> list[Product]:
    """Return the products acquired last that a watch has seen and that were still listed, in their newest revision."""
    rows = db.execute(
        "SELECT max(revisions.number) FROM sightings JOIN revisions ON revisions.number = revision"
        " JOIN collections ON collections.number = collection"
        " WHERE site = ?1 AND catalogue = ?2 AND collections.name = ?3 AND (?4 IS NULL OR level = ?4)"
        " AND missing IS NULL AND acquired IS NOT NULL GROUP BY collection, id ORDER BY acquired DESC LIMIT ?5",
        (watch.site.number, watch.catalogue, watch.collection, watch.level, limit),
    ).fetchall()
    return [one(db, number)[1] for (number,) in rows]


def published(db: sqlite3.Connection, catalogue: str, *, since: datetime) -> dict[str, list[datetime]]:
    """Return, by collection, the hours in which products that are seen were published since then.

    Where the catalogue does not say when, they are those in which arrivals were seen. A collection of which nothing
    arrived since its baseline is left out: it has not been heard yet.
    """
    # Hours, because an archive of a million products would else be a million times.
    rows = db.execute(
        "WITH heard AS (SELECT DISTINCT collection FROM arrivals JOIN revisions ON revisions.number = revision"
        " WHERE event <> 'withdrawn')"
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
