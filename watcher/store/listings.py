"""What was seen, as people list it: each product where it was seen, what happened to it, and where else it is."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime

import msgspec

from watcher.model import Event, Level, Product
from watcher.store.acquisitions import Place
from watcher.store.connection import moment, stamp
from watcher.store.products import COLUMNS, described


class Seen(msgspec.Struct, frozen=True):
    """A product as it is listed by `watcher products`: where, what happened, and whether its files are here.

    `also` are the other collections that list its acquisition there; `cause` is why it was withdrawn, as the catalogue
    says; `replaced` says that there is a newer processing under another id. `archive` is the one that they were stored
    in; `staged` is when its files, which are brought from tape, are asked for again.
    """

    site: str
    catalogue: str
    product: Product
    seen: datetime
    event: Event | None
    stored: str | None
    archive: str | None = None
    also: tuple[str, ...] = ()
    cause: str | None = None
    replaced: bool = False
    staged: datetime | None = None


def listing(db: sqlite3.Connection, *, site: int | None, level: Level | None, since: datetime | None) -> list[Seen]:
    """Return the products that were seen, newest acquisition first; `since` is the earliest acquisition."""
    rows = db.execute(
        "SELECT sites.name, catalogue, collections.name, revisions.seen, (SELECT json_array(event, cause)"
        " FROM arrivals AS a WHERE a.revision = revisions.number AND a.site = sites.number"
        " AND CASE event WHEN 'withdrawn' THEN sightings.missing IS NOT NULL"
        " WHEN 'returned' THEN sightings.missing IS NULL ELSE TRUE END ORDER BY a.number DESC LIMIT 1),"
        " (SELECT json_group_array(DISTINCT c.catalogue || char(10) || c.name) FROM revisions AS other"
        " CROSS JOIN sightings AS s ON s.revision = other.number AND s.site = sites.number AND s.missing IS NULL"
        " JOIN collections AS c ON c.number = other.collection WHERE other.acquisition = revisions.acquisition"
        " AND other.collection <> revisions.collection), revisions.replaced IS NOT NULL,"
        " iif(stored IS NOT NULL, path, NULL), downloads.archive, iif(staged IS NOT NULL, downloads.due, NULL),"
        f" {COLUMNS} FROM sightings"
        " JOIN revisions ON revisions.number = sightings.revision JOIN sites ON sites.number = sightings.site"
        " JOIN collections ON collections.number = collection"
        " LEFT JOIN downloads ON downloads.revision = revisions.number"
        f" WHERE {'?1 IS NULL' if site is None else 'sightings.site = ?1'}"
        " AND (?2 IS NULL OR level = ?2) AND (?3 IS NULL OR acquired >= ?3)"
        " ORDER BY acquired DESC, title, revisions.number DESC",
        (site, level, stamp(since) if since else None),
    )
    return [
        _seen(name, catalogue, collection, first, happened, others, old, path, archive, staged, columns)
        for name, catalogue, collection, first, happened, others, old, path, archive, staged, *columns in rows
    ]


def _seen(
    site: str,
    catalogue: str,
    collection: str,
    first: str,
    happened: str | None,
    others: str,
    replaced: int,
    path: str | None,
    archive: str | None,
    staged: str | None,
    columns: list[object],
) -> Seen:
    event, cause = json.loads(happened) if happened else (None, None)
    return Seen(
        site=site,
        catalogue=catalogue,
        product=described(collection, columns),
        seen=datetime.fromisoformat(first),
        event=Event(event) if event else None,
        stored=path,
        archive=archive,
        also=tuple(sorted(Place(*other.split("\n")).beside(catalogue) for other in json.loads(others))),
        cause=cause,
        replaced=bool(replaced),
        staged=moment(staged),
    )
