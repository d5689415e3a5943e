"""Acquisitions: what is known of one under other ids, in other collections, from other catalogues."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import datetime

import msgspec

from watcher.core.identity.acquisitions import processing
from watcher.core.identity.kin import Kin
from watcher.core.identity.racing import Had
from watcher.model import Level, Product
from watcher.store.connection import moment, stamp


def kin(db: sqlite3.Connection, acquisitions: Collection[str]) -> dict[str, list[Kin]]:
    """Return the revisions of these acquisitions that any site has seen, by acquisition, oldest first.

    Read it inside the transaction that writes the decision.
    """
    found: dict[str, dict[int, Kin]] = {}
    if not acquisitions:
        return {}
    listed = msgspec.json.encode(list(acquisitions)).decode()
    # What was listed before the baseline was complete is known there, though nobody was told.
    rows = db.execute(
        "SELECT r.acquisition, r.number, r.collection, r.id, r.title, r.token, r.level, r.cloud,"
        " r.replaced IS NOT NULL, EXISTS (SELECT 1 FROM downloads AS d WHERE d.revision = r.number"
        " AND (d.stored IS NOT NULL OR d.due IS NOT NULL OR d.held IN ('poll', 'approval'))), s.site, s.missing IS NULL"
        " AND (EXISTS (SELECT 1 FROM arrivals AS a WHERE a.revision = r.number AND a.site = s.site"
        " AND a.event IN ('new', 'revised')) OR EXISTS (SELECT 1 FROM watches AS w WHERE w.site = s.site"
        " AND w.collection = r.collection AND w.level IN ('', r.level)"
        " AND (w.baselined IS NULL OR r.seen <= w.baselined)))"
        " FROM json_each(?) AS listed CROSS JOIN revisions AS r ON r.acquisition = listed.value"
        " CROSS JOIN sightings AS s ON s.revision = r.number ORDER BY r.number",
        (listed,),
    )
    for acquisition, number, collection, identity, title, token, level, cloud, old, wanted, site, told_there in rows:
        family = found.setdefault(acquisition, {})
        one = family.get(number)
        if one is None:
            one = Kin(
                number,
                collection,
                identity,
                processing(Product("", identity, title, None, None, token)),
                Level(level) if level else None,
                cloud,
                wanted=bool(wanted),
                replaced=bool(old),
            )
        family[number] = msgspec.structs.replace(
            one, seen=one.seen | {site}, told=one.told | {site} if told_there else one.told
        )
    return {acquisition: list(family.values()) for acquisition, family in found.items()}


class Place(msgspec.Struct, frozen=True):
    """A collection that lists an acquisition."""

    catalogue: str
    collection: str

    def beside(self, catalogue: str) -> str:
        """Name it for people who read of another catalogue, or of another collection of the same."""
        return self.catalogue if self.catalogue != catalogue else f"{self.catalogue} ({self.collection})"


def also(db: sqlite3.Connection, revision: int, site: int) -> list[Place]:
    """Return the other collections that list the acquisition of a revision at a site, the first to be seen first."""
    rows = db.execute(
        "SELECT c.catalogue, c.name FROM revisions AS this CROSS JOIN revisions AS other"
        " ON other.acquisition = this.acquisition AND other.collection <> this.collection"
        " CROSS JOIN sightings AS s ON s.revision = other.number AND s.site = ?2 AND s.missing IS NULL"
        " JOIN collections AS c ON c.number = other.collection"
        " WHERE this.number = ?1 GROUP BY c.number ORDER BY min(other.number)",
        (revision, site),
    )
    return [Place(*row) for row in rows]


def told(db: sqlite3.Connection, revision: int, site: int) -> bool:
    """Say whether a revision arrived at a site by itself; `False` for one of a baseline, or that another told of."""
    row = db.execute(
        "SELECT 1 FROM arrivals WHERE revision = ? AND site = ? AND event IN ('new', 'revised')", (revision, site)
    ).fetchone()
    return row is not None


def previous(db: sqlite3.Connection, revision: int) -> int | None:
    """Return the revision that this one replaces, under its own id or another; `None` if there is none."""
    row = db.execute(
        "SELECT max(old.number) FROM revisions AS this JOIN revisions AS old ON old.collection = this.collection"
        " AND old.id = this.id AND old.number < this.number WHERE this.number = ?1"
        " UNION ALL SELECT max(old.number) FROM revisions AS this CROSS JOIN revisions AS old"
        " ON old.acquisition = this.acquisition AND old.replaced = this.number WHERE this.number = ?1",
        (revision,),
    ).fetchall()
    numbers = [number for (number,) in row if number is not None]
    return max(numbers, default=None)


def replaced(db: sqlite3.Connection, revisions: Collection[int]) -> set[int]:
    """Return those revisions that a newer processing under another id replaces."""
    listed = msgspec.json.encode(list(revisions)).decode()
    return {
        number
        for (number,) in db.execute(
            "SELECT number FROM json_each(?) CROSS JOIN revisions ON number = value WHERE replaced IS NOT NULL",
            (listed,),
        )
    }


def had(db: sqlite3.Connection, *, site: int | None, level: Level | None, since: datetime | None) -> list[Had]:
    """Return who has which acquisition, of those that several catalogues have; `since` is the earliest acquisition."""
    rows = db.execute(
        "SELECT r.acquisition, r.level, r.acquired, c.catalogue, r.title, r.published,"
        " iif(EXISTS (SELECT 1 FROM sightings AS s JOIN watches AS w ON w.site = s.site AND w.collection = r.collection"
        " AND w.level IN ('', r.level) WHERE s.revision = r.number AND (?1 IS NULL OR s.site = ?1)"
        " AND w.baselined < r.seen), r.seen, NULL)"
        " FROM revisions AS r JOIN collections AS c ON c.number = r.collection WHERE r.acquisition IS NOT NULL"
        " AND (?2 IS NULL OR r.level = ?2) AND (?3 IS NULL OR r.acquired >= ?3)"
        " AND EXISTS (SELECT 1 FROM sightings AS s WHERE s.revision = r.number AND (?1 IS NULL OR s.site = ?1))"
        " AND EXISTS (SELECT 1 FROM revisions AS other JOIN collections AS k ON k.number = other.collection"
        " WHERE other.acquisition = r.acquisition AND k.catalogue <> c.catalogue) ORDER BY r.number",
        (site, level, stamp(since) if since else None),
    )
    return [
        Had(acquisition, word, moment(acquired), catalogue, title, moment(published), moment(seen))
        for acquisition, word, acquired, catalogue, title, published, seen in rows
    ]
