"""What was seen at a site as steps of its production: which level of which acquisition was there, and since when."""

from __future__ import annotations

import sqlite3
import sys
from datetime import datetime
from typing import Any

from watcher.core.production import Clock, Step
from watcher.core.production.progress import Looked
from watcher.model import Level
from watcher.store.acquisitions import Place
from watcher.store.connection import moment, stamp


def steps(db: sqlite3.Connection, site: int, *, since: datetime | None = None) -> list[Step]:
    """Return the products acquired `since` then that a site has seen, each once: as it was when it was first there.

    When that was, its catalogue says: when it published it, else when it last changed. Where it says neither, it is
    when a poll found it, but for what was there at the baseline.
    """
    began = {
        (collection, level): baselined
        for collection, level, baselined in db.execute(
            "SELECT collection, level, baselined FROM watches WHERE site = ? AND baselined IS NOT NULL", (site,)
        )
    }
    # CROSS JOIN keeps the order of the index, so that nothing is sorted and the first revision comes first.
    rows = db.execute(
        "SELECT r.collection, r.id, r.title, r.level, r.acquisition, r.acquired, r.published, r.updated, r.seen,"
        " r.platform, r.instrument, r.grid, r.cloud, r.replaced IS NOT NULL, s.missing IS NOT NULL"
        " FROM sightings AS s CROSS JOIN revisions AS r ON r.number = s.revision WHERE s.site = ?1"
        " AND (?2 IS NULL OR r.acquired >= ?2) ORDER BY s.revision",
        (site, since and stamp(since)),
    )
    found: dict[tuple[int, str], list[Any]] = {}
    for row in rows:
        collection, identity, *facts = row
        before = found.get((collection, identity))
        if before is None:
            found[collection, identity] = facts
        else:
            # Another processing of the same product: it is there as long as this one is.
            before[-2:] = [1, facts[-1]]
    return [
        _step(collection, facts, began.get((collection, facts[1])) or began.get((collection, "")))
        for (collection, _), facts in found.items()
    ]


def newest(db: sqlite3.Connection, site: int) -> datetime | None:
    """Return the newest acquisition that a site has seen; `None` if it has seen none."""
    row = db.execute(
        "SELECT max(acquired) FROM sightings CROSS JOIN revisions ON number = revision WHERE site = ?", (site,)
    ).fetchone()
    return moment(row[0])


def _step(collection: int, facts: list[Any], baselined: str | None) -> Step:
    title, level, acquisition, acquired, published, updated, seen, platform, instrument, grid, cloud, again, gone = (
        facts
    )
    said: tuple[tuple[Clock, str | None], ...] = (
        ("published", published),
        ("updated", updated),
        ("seen", seen if baselined is not None and seen > baselined else None),
    )
    clock, there = next(((clock, there) for clock, there in said if there is not None), (None, None))
    return Step(
        collection=collection,
        level=Level(sys.intern(level)) if level else None,
        acquired=moment(acquired),
        there=moment(there),
        clock=clock,
        acquisition=acquisition,
        title=title,
        platform=platform,
        instrument=instrument,
        grid=grid,
        cloud=cloud,
        again=bool(again),
        gone=bool(gone),
    )


def looked(db: sqlite3.Connection, site: int) -> list[Looked]:
    """Return which collections are looked at for a site, from which acquisition on, and when they last were."""
    rows = db.execute(
        "SELECT w.collection, w.level, w.baselined, max(coalesce(w.looked_from, ''), coalesce(w.since, '')),"
        " min((SELECT p.started FROM polls AS p WHERE p.catalogue = c.catalogue AND p.finished IS NOT NULL"
        " AND p.problem IS NULL ORDER BY p.number DESC LIMIT 1), coalesce(s.paused, '9')) FROM watches AS w"
        " JOIN collections AS c ON c.number = w.collection JOIN sites AS s ON s.number = w.site WHERE w.site = ?",
        (site,),
    )
    return [
        Looked(
            collection,
            Level(level) if level else None,
            since=moment(start or None),
            began=moment(baselined),
            until=_last(baselined, until),
        )
        for collection, level, baselined, start, until in rows
    ]


def _last(baselined: str | None, until: str | None) -> datetime | None:
    # The poll that made the baseline began before it, and may have had trouble elsewhere.
    return None if baselined is None else moment(max(baselined, until or ""))


def collections(db: sqlite3.Connection) -> dict[int, Place]:
    """Return the collections by number."""
    rows = db.execute("SELECT number, catalogue, name FROM collections")
    return {number: Place(catalogue, name) for number, catalogue, name in rows}
