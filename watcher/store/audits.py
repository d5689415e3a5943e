"""Audits: what was counted when all was listed again, what was found late, and when that is due next."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from watcher.core.health.auditing import AGAIN, EVERY, Audit
from watcher.model import Level, Watch
from watcher.store.connection import moment, stamp


def counted(
    db: sqlite3.Connection,
    watch: Watch,
    count: int,
    *,
    lacking: int,
    mended: int,
    gone: bool,
    whole_from: datetime | None,
    now: datetime,
) -> None:
    """Remember that all that a watch covers was listed; what only goes back to `whole_from` may not be all of it.

    It is due again in a week; in a day where something was lacking or had been passed over, or is `gone` at first look.
    """
    due = now + (AGAIN if lacking or mended or gone else EVERY)
    db.execute(
        "UPDATE watches SET reconciled = ?1, counted = ?2, lacking = ?3, mended = mended + ?4, reconcile = ?5"
        " WHERE number = ?6 AND (?7 IS NULL OR max(coalesce(looked_from, ''), coalesce(since, '')) >= ?7)",
        (stamp(now), count, lacking, mended, stamp(due), watch.number, stamp(whole_from) if whole_from else None),
    )


def postpone(db: sqlite3.Connection, watches: Collection[Watch], *, now: datetime) -> dict[int, str | None]:
    """Note that all of these is being listed: if that fails, it is tried again in a day.

    Returns when each was due, for `put_back`.
    """
    before = dict(db.execute("SELECT number, reconcile FROM watches WHERE baselined IS NOT NULL").fetchall())
    postponed = {watch.number: before[watch.number] for watch in watches if watch.number in before}
    db.executemany(
        "UPDATE watches SET reconcile = ? WHERE number = ?", ((stamp(now + AGAIN), number) for number in postponed)
    )
    return postponed


def put_back(db: sqlite3.Connection, postponed: Mapping[int, str | None], *, since: datetime) -> None:
    """Let what was not listed `since` then be due when it was before: nothing failed, it was stopped."""
    db.executemany(
        "UPDATE watches SET reconcile = ?2 WHERE number = ?1 AND coalesce(reconciled, '') < ?3",
        ((number, due, stamp(since)) for number, due in postponed.items()),
    )


def late(db: sqlite3.Connection, found: Iterable[tuple[int, int, int]]) -> None:
    """Note revisions that were found at a site so many seconds late."""
    db.executemany(
        "UPDATE sightings SET late = ? WHERE revision = ? AND site = ?",
        ((seconds, revision, site) for revision, site, seconds in found),
    )


def due(db: sqlite3.Connection, catalogue: str, *, now: datetime) -> list[int]:
    """Return the sites of a catalogue of which all is to be listed again: a week after the baseline, at first."""
    rows = db.execute(
        "SELECT DISTINCT site FROM watches JOIN collections ON collections.number = collection"
        " JOIN sites ON sites.number = site WHERE catalogue = ? AND paused IS NULL AND baselined IS NOT NULL"
        " AND coalesce(reconcile, ?) <= ? AND (reconcile IS NOT NULL OR baselined <= ?) ORDER BY site",
        (catalogue, stamp(now), stamp(now), stamp(now - EVERY)),
    )
    return [row[0] for row in rows]


def missing(db: sqlite3.Connection, *, now: datetime) -> list[tuple[str, int, datetime]]:
    """Return by catalogue at how many sites all should have been listed again by now, and when it last was anywhere.

    A week after the last time it is due, and tried again after a day where it failed.
    """
    rows = db.execute(
        "SELECT catalogue, count(DISTINCT site), min(coalesce(reconciled, baselined)) FROM watches JOIN collections"
        " ON collections.number = collection JOIN sites ON sites.number = site WHERE paused IS NULL"
        " AND coalesce(reconciled, baselined) <= ? GROUP BY catalogue ORDER BY catalogue",
        (stamp(now - EVERY - 2 * AGAIN),),
    )
    return [(name, count, datetime.fromisoformat(since)) for name, count, since in rows]


def lacking(db: sqlite3.Connection) -> list[tuple[str, int, int]]:
    """Return by catalogue at how many sites how many products were listed that could not be read."""
    rows = db.execute(
        "SELECT catalogue, count(DISTINCT site), sum(lacking) FROM watches JOIN collections"
        " ON collections.number = collection JOIN sites ON sites.number = site WHERE paused IS NULL AND lacking > 0"
        " GROUP BY catalogue ORDER BY catalogue"
    )
    return [(name, count, products) for name, count, products in rows]


def every(db: sqlite3.Connection, *, site: int | None = None) -> list[Audit]:
    """Return what is known of each watch, by site; of one site only, if it is given."""
    rows = db.execute(
        "SELECT watches.number, sites.name, catalogue, collections.name, level, paused, counted, lacking, mended,"
        " baselined, reconciled, reconcile FROM watches JOIN sites ON sites.number = site"
        " JOIN collections ON collections.number = collection WHERE ?1 IS NULL OR site = ?1"
        " ORDER BY sites.name, catalogue, collections.name, level",
        (site,),
    )
    return [_audit(db, row) for row in rows.fetchall()]


def _audit(db: sqlite3.Connection, row: Sequence[Any]) -> Audit:
    number, name, catalogue, collection, level, paused, count, lacking, mended, baselined, reconciled, due = row
    total, earlier, gone, withdrawn = db.execute(
        "SELECT count(DISTINCT id), count(DISTINCT id) FILTER (WHERE r.seen <= ?2),"
        f" count(DISTINCT id) FILTER (WHERE missing IS NOT NULL AND NOT {_TOLD}),"
        f" count(DISTINCT id) FILTER (WHERE missing IS NOT NULL AND {_TOLD}) {_OF_WATCH}",
        (number, reconciled),
    ).fetchone()
    seconds = [one for (one,) in db.execute(f"SELECT late {_OF_WATCH} AND late IS NOT NULL", (number,))]
    first = moment(baselined)
    return Audit(
        site=name,
        catalogue=catalogue,
        collection=collection,
        level=Level(level) if level else None,
        paused=paused is not None,
        counted=count,
        missing=lacking or 0,
        since=total - earlier if reconciled else 0,
        mended=mended,
        late=seconds,
        total=total,
        gone=gone,
        withdrawn=withdrawn,
        reconciled=moment(reconciled),
        due=moment(due) or (first + EVERY if first else None),
    )


_TOLD = (
    "EXISTS (SELECT 1 FROM arrivals AS a WHERE a.revision = s.revision AND a.site = s.site AND a.event = 'withdrawn')"
)

# By what the site has seen, not by all of the collection.
_OF_WATCH = (
    " FROM watches AS w CROSS JOIN sightings AS s ON s.site = w.site CROSS JOIN revisions AS r ON r.number = s.revision"
    " WHERE w.number = ?1 AND r.collection = w.collection AND w.level IN ('', r.level)"
    " AND (w.since IS NULL OR r.acquired IS NULL OR r.acquired >= w.since)"
)
