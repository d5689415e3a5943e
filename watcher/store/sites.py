"""Sites: the places that are looked at, and the words that group them."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from watcher.errors import UsageError
from watcher.model import Site
from watcher.names import fold, key
from watcher.store.connection import stamp


def every(db: sqlite3.Connection) -> list[Site]:
    """Return all sites, by name."""
    return [read(row) for row in db.execute(f"SELECT {COLUMNS} FROM sites ORDER BY name")]


def added(db: sqlite3.Connection) -> dict[int, datetime]:
    """Return when each site was added, by number."""
    return {number: datetime.fromisoformat(when) for number, when in db.execute("SELECT number, added FROM sites")}


def named(db: sqlite3.Connection, name: str) -> Site:
    """Return the site of that name, whatever its case and accents; raises `UsageError` with the nearest names."""
    row = db.execute(f"SELECT {COLUMNS} FROM sites WHERE folded = ?", (key(name),)).fetchone()
    if row is None:
        raise UsageError(f'no site is called "{name}"', hint=_near(name, [site.name for site in every(db)]))
    return read(row)


def add(
    db: sqlite3.Connection,
    name: str,
    *,
    geometry: bytes | None,
    country: str | None,
    origin: str,
    grid: str | None = None,
    now: datetime,
) -> Site:
    """Add a site, or return the one that has this name already. A geometry that we had none for is kept."""
    db.execute(
        "INSERT INTO sites (name, folded, geometry, country, origin, grid, added) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (folded) DO UPDATE SET geometry = coalesce(geometry, excluded.geometry),"
        " country = coalesce(country, excluded.country)",
        (name, key(name), geometry.decode() if geometry else None, country, origin, grid, stamp(now)),
    )
    return named(db, name)


def tag(db: sqlite3.Connection, site: Site, words: Collection[str]) -> None:
    """Group a site with others by these words, beside those that it has."""
    db.executemany(
        "INSERT INTO site_tags (site, tag) VALUES (?, ?) ON CONFLICT DO NOTHING",
        ((site.number, key(word)) for word in words),
    )


def untag(db: sqlite3.Connection, site: Site, words: Collection[str]) -> None:
    """Take these words from a site."""
    db.executemany("DELETE FROM site_tags WHERE site = ? AND tag = ?", ((site.number, key(word)) for word in words))


def tags(db: sqlite3.Connection) -> dict[int, frozenset[str]]:
    """Return the tags of the sites that have some, by number."""
    found: dict[int, set[str]] = {}
    for number, word in db.execute("SELECT site, tag FROM site_tags"):
        found.setdefault(number, set()).add(word)
    return {number: frozenset(words) for number, words in found.items()}


def remove(db: sqlite3.Connection, site: Site) -> int:
    """Forget a site, its watches, and what was seen there; return how many notices were still owed."""
    owed = db.execute(
        "SELECT count(*) FROM deliveries JOIN arrivals ON arrivals.number = arrival WHERE site = ? AND due IS NOT NULL",
        (site.number,),
    ).fetchone()[0]
    db.execute("DELETE FROM sites WHERE number = ?", (site.number,))
    return int(owed)


def pause(db: sqlite3.Connection, site: Site, *, since: datetime | None) -> None:
    """Stop looking at a site from that time on; `None` resumes."""
    db.execute("UPDATE sites SET paused = ? WHERE number = ?", (stamp(since) if since else None, site.number))
    # What came meanwhile is far behind, and nobody was late to see it.
    db.execute("UPDATE watches SET reread = NULL WHERE site = ?", (site.number,))


COLUMNS = "sites.number, sites.name, geometry, country, origin, paused, grid"


def read(row: Sequence[Any]) -> Site:
    """Read a site from its `COLUMNS`."""
    number, name, geometry, country, origin, paused, grid = row
    return Site(
        number=number,
        name=name,
        geometry=geometry.encode() if geometry else None,
        country=country,
        origin=sys.intern(origin),
        paused=paused is not None,
        grid=grid,
    )


def _near(name: str, names: list[str]) -> str:
    if not names:
        return "there is none yet: add one with `watcher add-site NAME`"
    from rapidfuzz import process

    close = [match[0] for match in process.extract(name, names, limit=3, score_cutoff=60, processor=fold)]
    return f"did you mean {' or '.join(close)}?" if close else f"the sites are: {', '.join(names)}"
