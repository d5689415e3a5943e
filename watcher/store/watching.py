"""Watches: what is looked for at a site, and how far it was looked at."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from watcher.model import Level, Site, Watch
from watcher.store import downloads, sites
from watcher.store.connection import moment, stamp


class Dropped(NamedTuple):
    """What went with watches that ended: notices that were owed, and downloads that were wanted."""

    owed: int
    unwanted: int


def watch(
    db: sqlite3.Connection,
    site: Site,
    *,
    catalogue: str,
    collection: str,
    level: Level | None,
    code: str | None = None,
    max_cloud: float | None = None,
    since: datetime | None = None,
    download: bool | None = None,
    announce: bool = False,
    assets: Sequence[str] | None = None,
    now: datetime,
) -> bool:
    """Add a watch, or give the one that exists these terms; return whether it is new.

    Terms that are `None` stay as they were, and so does an `announce` whose first poll is to come. The next poll asks
    for one that has new terms as if it had been paused.
    """
    number = collection_number(db, catalogue, collection)
    known = db.execute(
        "SELECT number, code FROM watches WHERE site = ? AND collection = ? AND level = ?",
        (site.number, number, level or ""),
    ).fetchone()
    if known is None:
        _forget_unwatched(db, site.number, number, level)
    elif known[1] != code:
        _begin_again(db, known[0])
    db.execute(
        "INSERT INTO watches (site, collection, level, code, max_cloud, since, download, announce, assets, added)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (site, collection, level) DO UPDATE SET"
        " code = excluded.code, max_cloud = coalesce(excluded.max_cloud, max_cloud),"
        " download = coalesce(excluded.download, download),"
        " announce = excluded.announce OR (announce AND baselined IS NULL),"
        " assets = coalesce(excluded.assets, assets),"
        " since = coalesce(excluded.since, since), reread = NULL",
        (
            site.number,
            number,
            level or "",
            code,
            max_cloud,
            stamp(since) if since else None,
            download,
            announce,
            None if assets is None else json.dumps(list(assets)),
            stamp(now),
        ),
    )
    return known is None


def watches(
    db: sqlite3.Connection,
    *,
    catalogue: str | None = None,
    collection: str | None = None,
    at: Collection[int] | None = None,
    paused: bool = False,
) -> list[Watch]:
    """Return the watches, of one catalogue, collection and `at` these sites, or all; of paused sites if asked for."""
    rows = db.execute(
        f"SELECT {sites.COLUMNS}, watches.number, catalogue, collections.name, level, code, max_cloud, since, download,"
        " announce, assets, baselined, looked_from, cursor, reread FROM watches JOIN sites ON sites.number = site"
        " JOIN collections ON collections.number = collection"
        " WHERE (?1 IS NULL OR catalogue = ?1) AND (?2 IS NULL OR collections.name = ?2) AND (?3 OR paused IS NULL)"
        " AND (?4 IS NULL OR site IN (SELECT value FROM json_each(?4)))"
        " ORDER BY sites.name, catalogue, level, collections.name",
        (catalogue, collection, paused, None if at is None else json.dumps(list(at))),
    )
    # Ten thousand watches share their sites, their times and their collection: read once, they take half the space.
    shared: dict[Any, Any] = {}
    return [_watch(row, shared) for row in rows]


def catalogues(db: sqlite3.Connection, *, paused: bool = True) -> set[str]:
    """Return the catalogues that have a watch; with `paused=False` only those with one of a site that is not."""
    rows = db.execute(
        "SELECT DISTINCT catalogue FROM collections WHERE EXISTS (SELECT 1 FROM watches JOIN sites"
        " ON sites.number = site WHERE collection = collections.number AND (? OR paused IS NULL))",
        (paused,),
    )
    return {row[0] for row in rows}


def wishing(db: sqlite3.Connection, catalogue: str, collection: str) -> bool:
    """Say whether any watch of a collection asks for assets of its own choice."""
    row = db.execute(
        "SELECT EXISTS (SELECT 1 FROM watches JOIN collections ON collections.number = collection"
        " WHERE catalogue = ? AND collections.name = ? AND coalesce(assets, '[]') <> '[]')",
        (catalogue, collection),
    ).fetchone()
    return bool(row[0])


def by_ground(db: sqlite3.Connection) -> bool:
    """Say whether anything is watched by its ground, not by a code."""
    return bool(db.execute("SELECT EXISTS (SELECT 1 FROM watches WHERE code IS NULL)").fetchone()[0])


def unlooked(db: sqlite3.Connection, *, now: datetime) -> list[str]:
    """Return the catalogues that have a watch added since they were last asked, and may be asked now."""
    rows = db.execute(
        "SELECT DISTINCT catalogue FROM watches JOIN collections ON collections.number = collection"
        " JOIN sites ON sites.number = site WHERE baselined IS NULL AND paused IS NULL"
        " AND watches.added > coalesce((SELECT max(started) FROM polls"
        " WHERE polls.catalogue = collections.catalogue AND started <= ?1), '')"
        " AND ?1 >= coalesce((SELECT max(not_before) FROM polls"
        " WHERE polls.catalogue = collections.catalogue AND started <= ?1), '')",
        (stamp(now),),
    )
    return [row[0] for row in rows]


def observed(db: sqlite3.Connection, catalogue: str) -> dict[str, datetime | None]:
    """Return since when each collection that is watched has been looked at: the earliest baseline of its watches."""
    rows = db.execute(
        "SELECT collections.name, min(baselined) FROM watches JOIN collections ON collections.number = collection"
        " JOIN sites ON sites.number = site WHERE catalogue = ? AND paused IS NULL GROUP BY collection",
        (catalogue,),
    )
    return {name: moment(baselined) for name, baselined in rows}


def advance(
    db: sqlite3.Connection,
    watch: Watch,
    *,
    cursor: datetime | None,
    whole_from: datetime | None = None,
    whole: bool,
    far: bool = True,
    now: datetime,
) -> bool:
    """Remember that a watch was looked at completely: baselined, and its cursor at the newest value stored.

    `whole` says that everything was listed that was acquired since `whole_from` (`None`: ever), `far` that it was asked
    for as far behind the cursor as is needed once a day. Returns `False` when the watch is gone, or was given another
    start or place meanwhile: then it was not looked at.
    """
    changed = db.execute(
        "UPDATE watches SET baselined = coalesce(baselined, ?1), cursor = nullif(max(coalesce(cursor, ''), ?2), ''),"
        " reread = CASE WHEN ?9 THEN ?1 ELSE reread END,"
        " looked_from = CASE WHEN NOT ?6 THEN looked_from WHEN baselined IS NULL THEN ?7"
        " ELSE min(looked_from, ?7) END WHERE number = ?3 AND since IS ?4 AND code IS ?5"
        " AND EXISTS (SELECT 1 FROM sites WHERE sites.number = site AND (code IS NOT NULL OR geometry IS ?8))",
        (
            stamp(now),
            stamp(cursor) if cursor else "",
            watch.number,
            stamp(watch.since) if watch.since else None,
            watch.code,
            whole,
            stamp(whole_from) if whole_from else None,
            watch.site.geometry.decode() if watch.site.geometry else None,
            far,
        ),
    )
    return changed.rowcount > 0


def collection_number(db: sqlite3.Connection, catalogue: str, collection: str) -> int:
    """Return the number of a collection, given one if it has none."""
    db.execute(
        "INSERT INTO collections (catalogue, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (catalogue, collection),
    )
    row = db.execute(
        "SELECT number FROM collections WHERE catalogue = ? AND name = ?", (catalogue, collection)
    ).fetchone()
    return int(row[0])


def move(db: sqlite3.Connection, site: Site, *, geometry: bytes, origin: str, grid: str | None = None) -> bool:
    """Give a site that is asked for by ground another place; return whether it is another.

    What was seen at the old place is forgotten there, and its watches begin again with a baseline.
    """
    if site.geometry == geometry and site.grid == grid:
        return False
    db.execute(
        "UPDATE sites SET geometry = ?, origin = ?, grid = ?, country = NULL WHERE number = ?",
        (geometry.decode(), origin, grid, site.number),
    )
    for (number,) in db.execute(
        "SELECT number FROM watches WHERE site = ? AND code IS NULL", (site.number,)
    ).fetchall():
        _begin_again(db, number)
    return True


def end(db: sqlite3.Connection, watches: Collection[Watch], *, download_levels: Collection[Level]) -> Dropped:
    """End watches of a site; return what is dropped with them. What they saw stays known, and what came home there.

    What another watch of the site takes stays owed, also what it takes of another catalogue and was told of this one;
    files that one of any site sees and wants stay wanted. `download_levels` come home where a watch does not say.
    """
    owed = unwanted = 0
    for watch in watches:
        collection = collection_number(db, watch.catalogue, watch.collection)
        db.execute("DELETE FROM watches WHERE number = ?", (watch.number,))
        terms = (watch.site.number, collection, watch.level or "")
        owed += db.execute(
            "DELETE FROM deliveries WHERE due IS NOT NULL AND arrival IN (SELECT a.number"
            f" FROM ({_UNWATCHED}{_UNTOLD}) AS left JOIN arrivals AS a ON a.revision = left.revision AND a.site = ?1)",
            terms,
        ).rowcount
        unwanted += downloads.unwant(db, f"SELECT revision FROM ({_SEEN})", terms, levels=download_levels)
    return Dropped(owed, unwanted)


_SEEN = (
    "SELECT s.revision FROM sightings AS s CROSS JOIN revisions AS r ON r.number = s.revision WHERE s.site = ?1"
    " AND r.collection = ?2 AND ?3 IN ('', r.level)"
)
"""What was seen at a site of a collection and level."""

_UNWATCHED = (
    f"{_SEEN} AND NOT EXISTS (SELECT 1 FROM watches AS w WHERE w.site = s.site"
    " AND w.collection = r.collection AND w.level IN ('', r.level))"
)
"""What of that no watch takes there."""

_UNTOLD = (
    " AND NOT EXISTS (SELECT 1 FROM revisions AS k CROSS JOIN sightings AS x ON x.revision = k.number"
    " CROSS JOIN watches AS w ON w.site = x.site AND w.collection = k.collection AND w.level IN ('', k.level)"
    " WHERE k.acquisition = r.acquisition AND x.site = s.site"
    " AND NOT EXISTS (SELECT 1 FROM arrivals AS a WHERE a.revision = k.number AND a.site = x.site))"
)
"""Nor is it an acquisition that a watch takes there of another catalogue, and nobody was told of from that one."""


def _forget_unwatched(db: sqlite3.Connection, site: int, collection: int, level: Level | None) -> None:
    """Forget what a watch that ended saw there: a new one begins with its own baseline."""
    db.execute(f"DELETE FROM sightings WHERE site = ?1 AND revision IN ({_UNWATCHED})", (site, collection, level or ""))


def baselines(db: sqlite3.Connection) -> dict[int, int]:
    """Return how many watches of each site have had a first complete poll, by number."""
    rows = db.execute(
        "SELECT s.number, count(baselined) FROM sites AS s LEFT JOIN watches ON site = s.number GROUP BY 1"
    )
    return dict(rows.fetchall())


def _begin_again(db: sqlite3.Connection, watch: int) -> None:
    """Forget what a watch has seen. That its first poll be announced has to be asked for anew, if there was one."""
    db.execute(
        "DELETE FROM sightings WHERE (revision, site) IN (SELECT s.revision, s.site FROM watches AS w"
        " CROSS JOIN sightings AS s ON s.site = w.site CROSS JOIN revisions AS r ON r.number = s.revision"
        " WHERE w.number = ? AND r.collection = w.collection AND w.level IN ('', r.level))",
        (watch,),
    )
    db.execute(
        "UPDATE watches SET announce = announce AND baselined IS NULL,"
        " baselined = NULL, looked_from = NULL, cursor = NULL, reread = NULL, reconciled = NULL,"
        " counted = NULL, lacking = NULL, mended = 0, reconcile = NULL WHERE number = ?",
        (watch,),
    )


def _watch(row: Sequence[Any], shared: dict[Any, Any]) -> Watch:
    *site, number, catalogue, collection, level, code, max_cloud, since, download, announce, assets = row[:-4]
    if site[0] not in shared:
        shared[site[0]] = sites.read(site)

    def at(text: str | None) -> datetime | None:
        if text is not None and text not in shared:
            shared[text] = moment(text)
        return shared.get(text)

    files = () if assets is None else shared.setdefault(("assets", assets), tuple(json.loads(assets)))
    baselined, looked_from, cursor, reread = map(at, row[-4:])
    return Watch(
        number=number,
        site=shared[site[0]],
        catalogue=sys.intern(catalogue),
        collection=sys.intern(collection),
        level=Level(level) if level else None,
        code=code,
        max_cloud=max_cloud,
        since=at(since),
        download=None if download is None else bool(download),
        announce=bool(announce),
        baselined=baselined,
        looked_from=looked_from,
        cursor=cursor,
        reread=reread,
        assets=files,
    )
