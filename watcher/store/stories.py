"""What is known of one product, or of one place on one day: from the first listing to the last answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

import msgspec

from watcher.model import Event
from watcher.store.connection import moment, stamp


class Arrived(msgspec.Struct, frozen=True):
    """An arrival at a site, by number."""

    number: int
    event: Event
    arrived: datetime
    cause: str | None
    coverage: float | None


class Sighted(msgspec.Struct, frozen=True):
    """A site where a revision was seen: since when it is no longer listed there, and what it was announced as."""

    site: int
    name: str
    missing: datetime | None
    again: bool
    arrivals: Sequence[Arrived]


class Files(msgspec.Struct, frozen=True):
    """The download of a revision."""

    wanted: datetime
    due: datetime | None
    held: str | None
    attempts: int
    stored: datetime | None
    path: str | None
    size: int | None
    verified: str | None
    given_up: datetime | None
    problem: str | None
    dropped: datetime | None


class Other(msgspec.Struct, frozen=True):
    """Another product of the same acquisition that was announced at a site."""

    title: str
    catalogue: str
    event: Event
    arrived: datetime


def revisions(db: sqlite3.Connection, text: str) -> list[int]:
    """Return the revisions whose title or id that is, whatever its case, oldest first."""
    rows = db.execute(
        "SELECT number FROM revisions WHERE lower(title) = lower(?1) OR lower(id) = lower(?1) ORDER BY number", (text,)
    )
    return [number for (number,) in rows]


def like(db: sqlite3.Connection, text: str, *, limit: int) -> list[str]:
    """Return titles that contain a text, newest first; else those that are it but for a slip. A letter is no hint."""
    if len(text) < _TELLING:
        return []
    rows = db.execute(
        "SELECT title FROM revisions WHERE instr(lower(title), lower(?1)) GROUP BY title"
        " ORDER BY max(number) DESC LIMIT ?2",
        (text, limit),
    )
    found = [title for (title,) in rows]
    if found:
        return found
    from rapidfuzz import process

    titles = [title for (title,) in db.execute("SELECT DISTINCT title FROM revisions WHERE title IS NOT NULL")]
    return [title for title, _, _ in process.extract(text, titles, limit=limit, score_cutoff=_SLIP)]


_TELLING = 3
"""So many letters of a title at least tell which is meant."""

_SLIP = 96
"""So like is a title that is meant, of 100: in one of fifty letters two are wrong."""


def seen(db: sqlite3.Connection, revision: int) -> tuple[datetime, str | None]:
    """Return when a revision was first seen, and the title of the newer processing that replaces it, if any does."""
    first, replaced = db.execute(
        "SELECT this.seen, newer.title FROM revisions AS this LEFT JOIN revisions AS newer"
        " ON newer.number = this.replaced WHERE this.number = ?",
        (revision,),
    ).fetchone()
    return datetime.fromisoformat(first), replaced


def sighted(db: sqlite3.Connection, revision: int) -> list[Sighted]:
    """Return the sites where a revision was seen, by name."""
    rows = db.execute(
        "SELECT sites.number, name, missing, EXISTS (SELECT 1 FROM sightings AS x JOIN revisions AS old"
        " ON old.number = x.revision WHERE x.site = sites.number AND old.collection = this.collection"
        " AND old.id = this.id AND old.number < this.number) FROM sightings JOIN revisions AS this"
        " ON this.number = revision JOIN sites ON sites.number = site WHERE revision = ? ORDER BY name",
        (revision,),
    ).fetchall()
    return [
        Sighted(site, name, moment(missing), bool(again), _arrivals(db, revision, site))
        for site, name, missing, again in rows
    ]


def _arrivals(db: sqlite3.Connection, revision: int, site: int) -> list[Arrived]:
    rows = db.execute(
        "SELECT number, event, arrived, cause, coverage FROM arrivals WHERE revision = ? AND site = ? ORDER BY number",
        (revision, site),
    )
    return [
        Arrived(number, Event(event), datetime.fromisoformat(arrived), cause, coverage)
        for number, event, arrived, cause, coverage in rows
    ]


def others(db: sqlite3.Connection, revision: int, site: int) -> list[Other]:
    """Return the other products of its acquisition that were announced at a site, the first one first.

    Not its own processings under the same id: they are no others.
    """
    rows = db.execute(
        "SELECT other.title, c.catalogue, a.event, a.arrived FROM revisions AS this CROSS JOIN revisions AS other"
        " ON other.acquisition = this.acquisition AND other.number <> this.number CROSS JOIN arrivals AS a"
        " ON a.revision = other.number AND a.site = ?2 JOIN collections AS c ON c.number = other.collection"
        " WHERE this.number = ?1 AND a.event IN ('new', 'revised')"
        " AND (other.collection, other.id) <> (this.collection, this.id) ORDER BY a.number",
        (revision, site),
    )
    return [Other(title, name, Event(event), datetime.fromisoformat(arrived)) for title, name, event, arrived in rows]


def files(db: sqlite3.Connection, revision: int) -> Files | None:
    """Return the download of a revision; `None` where its files were never wanted."""
    row = db.execute(
        "SELECT wanted, due, held, attempts, stored, path, size, verified, given_up, problem, dropped FROM downloads"
        " WHERE revision = ?",
        (revision,),
    ).fetchone()
    if row is None:
        return None
    wanted, due, held, attempts, stored, path, size, verified, given_up, problem, dropped = row
    return Files(
        datetime.fromisoformat(wanted),
        moment(due),
        held,
        attempts,
        moment(stored),
        path,
        size,
        verified,
        moment(given_up),
        problem,
        moment(dropped),
    )


def on_day(db: sqlite3.Connection, site: int, start: datetime, end: datetime) -> tuple[list[int], list[int]]:
    """Return the revisions at a site that were first seen or arrived then, and others that were acquired then."""
    came = (
        "SELECT s.revision FROM sightings AS s JOIN revisions AS r ON r.number = s.revision WHERE s.site = ?1"
        " AND ((r.seen >= ?2 AND r.seen < ?3) OR EXISTS (SELECT 1 FROM arrivals AS a WHERE a.revision = r.number"
        " AND a.site = ?1 AND a.arrived >= ?2 AND a.arrived < ?3))"
    )
    terms = (site, stamp(start), stamp(end))
    first = [number for (number,) in db.execute(f"{came} ORDER BY s.revision", terms)]
    rows = db.execute(
        "SELECT s.revision FROM sightings AS s JOIN revisions AS r ON r.number = s.revision WHERE s.site = ?1"
        f" AND r.acquired >= ?2 AND r.acquired < ?3 AND s.revision NOT IN ({came}) ORDER BY r.acquired, s.revision",
        terms,
    )
    return first, [number for (number,) in rows]


def owed_on(db: sqlite3.Connection, site: int, start: datetime) -> dict[int, datetime]:
    """Return the arrivals at a site before a moment that were still owed to somebody then, and when each came."""
    rows = db.execute(
        "SELECT DISTINCT a.number, a.arrived FROM arrivals AS a JOIN deliveries AS d ON d.arrival = a.number"
        " WHERE a.site = ?1 AND a.arrived < ?2 AND coalesce(d.sent, d.given_up, '9') >= ?2",
        (site, stamp(start)),
    )
    return {number: datetime.fromisoformat(arrived) for number, arrived in rows}


def site_times(db: sqlite3.Connection, site: int) -> tuple[datetime, datetime | None]:
    """Return since when a site is watched, and since when it is paused."""
    added, paused = db.execute("SELECT added, paused FROM sites WHERE number = ?", (site,)).fetchone()
    return datetime.fromisoformat(added), moment(paused)


def watch_times(db: sqlite3.Connection, site: int) -> dict[int, datetime]:
    """Return when each watch of a site was added."""
    rows = db.execute("SELECT number, added FROM watches WHERE site = ?", (site,))
    return {number: datetime.fromisoformat(added) for number, added in rows}
