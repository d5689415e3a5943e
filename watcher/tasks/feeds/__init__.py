"""Write what arrived as files that other programs read: of each site, and of all.

    DIRECTORY/arrivals.atom  arrivals.json  arrivals.geojson  acquisitions.ics  collection.json
    DIRECTORY/sites/pornic/  the same, and items/

What was written of which site is noted in the directory, so that a pass without news reads that and no more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from watcher.core import feeds
from watcher.core.feeds import Child, Extent, Feed
from watcher.core.feeds.feed import ATOM, CALENDAR, GEOJSON, JSON, STAC
from watcher.core.production import RECENT, Acquisition, acquisitions
from watcher.core.production.expected import Expected, outlook
from watcher.decoding import decoder
from watcher.model import Site
from watcher.store import arrivals, production, sites, watching
from watcher.tasks.feeds.files import Files, Wrote, folder

AHEAD = timedelta(days=30)
"""Acquisitions that are expected stand so far ahead in the calendar."""

_FORMAT = 1
_TOGETHER = 200
"""The calendar of all sites is one of up to so many: of more, nobody could read it, and it is empty."""

_DAY = 86400
_OFTEN = 100


class Terms(msgspec.Struct, frozen=True):
    """What the feeds are like: how many arrivals each has, and where the directory can be read, ending in `/`."""

    count: int
    url: str | None = None


class _Known(msgspec.Struct, frozen=True):
    """What was written of a site: where, its name, as of what, and the extent of its products."""

    folder: str
    title: str
    mark: str
    extent: Extent


class _Note(msgspec.Struct, frozen=True):
    """What was written: in which format, on which terms, up to which arrival, and of which sites by number."""

    format: int = _FORMAT
    terms: Terms | None = None
    upto: int = 0
    sites: Mapping[int, _Known] = {}


_read_note = decoder(_Note).decode


class _Ahead(NamedTuple):
    seen: Sequence[Acquisition]
    expected: Sequence[Expected]


def due(db: sqlite3.Connection, directory: Path, terms: Terms, *, now: datetime) -> bool:
    """Say whether there is something to write: arrivals, other sites or terms, or a new day for what is expected."""
    note = _note(Files(directory))
    marks = _marks(db, now)
    return note.sites.keys() != marks.keys() or bool(_changed(db, note, terms, marks))


def write(
    db: sqlite3.Connection,
    directory: Path,
    terms: Terms,
    *,
    now: datetime,
    every: bool = False,
) -> Wrote:
    """Write the feeds of the sites where something has changed, or of `every` one, and those of all.

    The caller sees to it that nobody else does. Raises `StoreError` when the directory cannot be written.
    """
    files = Files(directory)
    note, marks = _note(files), _marks(db, now)
    # Before anything is read: what arrives meanwhile is written the next time.
    upto = arrivals.last(db)
    places = {site.number: site for site in sites.every(db) if site.number in marks}
    added = sites.added(db)
    together = len(places) <= _TOGETHER
    changed = places.keys() if every else _changed(db, note, terms, marks)
    ahead: dict[str, _Ahead] = {}
    known = {n: msgspec.structs.replace(old, mark="") if n in changed else old for n, old in note.sites.items()}
    for count, (number, site) in enumerate(places.items(), start=1):
        if number in changed or together:
            ahead[site.name] = _ahead(db, number, terms, now)
        if number in changed:
            feed = _of_site(db, site, terms, ahead[site.name], added[number])
            known[number] = _Known(folder(site.name), site.name, marks[number], feeds.extent(feed))
            _put_site(files, known[number].folder, feed)
        if count % _OFTEN == 0:
            # Of ten thousand sites, who is stopped goes on from there.
            files.keep(msgspec.json.encode(_Note(terms=terms, upto=upto, sites=known)))
    gone = known.keys() - places.keys()
    kept = {one.folder for number, one in known.items() if number not in gone}
    for number in gone:
        old = known.pop(number)
        if old.folder not in kept:
            files.remove(old.folder)
    _put_all(db, files, terms, ahead if together else {}, known.values(), min(added.values(), default=now))
    files.keep(msgspec.json.encode(_Note(terms=terms, upto=upto, sites=known)))
    return msgspec.structs.replace(files.wrote, sites=len(changed))


def _note(files: Files) -> _Note:
    """Read what was written; a note of another format, or one that cannot be read, is as good as none."""
    try:
        note = _read_note(files.kept())
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Note()
    return note if note.format == _FORMAT else _Note()


def _marks(db: sqlite3.Connection, now: datetime) -> dict[int, str]:
    """Return as of what each site is: how many of its baselines are complete, and its day, which begins for each apart.

    So what is expected is written anew once a day, and never of all sites at once.
    """
    return {
        number: f"{baselines}/{(int(now.timestamp()) + number * 3571 % _DAY) // _DAY}"
        for number, baselines in watching.baselines(db).items()
    }


def _changed(db: sqlite3.Connection, note: _Note, terms: Terms, marks: Mapping[int, str]) -> Collection[int]:
    """Return the sites of which something is to be written."""
    if note.terms != terms or note.upto > arrivals.last(db) or not note.sites.keys() <= marks.keys():
        # The numbers of arrivals may come again after those of a site have gone.
        return set(marks)
    arrived = arrivals.at(db, after=note.upto)
    return {n for n, mark in marks.items() if n in arrived or n not in note.sites or note.sites[n].mark != mark}


def _ahead(db: sqlite3.Connection, site: int, terms: Terms, now: datetime) -> _Ahead:
    newest = production.newest(db, site) or now
    seen = acquisitions(production.steps(db, site, since=newest - RECENT))
    looked = max((look.until for look in production.looked(db, site) if look.until is not None), default=None)
    if looked is None:
        return _Ahead(seen[-terms.count :], ())
    return _Ahead(seen[-terms.count :], outlook(seen, looked=looked, now=now, until=now + AHEAD).expected)


def _of_site(db: sqlite3.Connection, site: Site, terms: Terms, ahead: _Ahead, added: datetime) -> Feed:
    return Feed(
        site=site.name,
        since=added,
        came=arrivals.newest(db, site=site.number, limit=terms.count),
        url=terms.url and f"{terms.url}{folder(site.name)}/",
        seen=[(site.name, one) for one in ahead.seen],
        expected=[(site.name, one) for one in ahead.expected],
        geometry=site.geometry,
    )


def _put_site(files: Files, at: str, feed: Feed) -> None:
    _put(files, at, feed)
    items = feeds.items(feed)
    # An item first, then the collection that names it.
    for name, content in items.items():
        files.put(f"{at}/items/{name}", content)
    files.put(f"{at}/{STAC}", feeds.collection(feed))
    files.tidy(f"{at}/items", items)


def _put_all(
    db: sqlite3.Connection,
    files: Files,
    terms: Terms,
    ahead: Mapping[str, _Ahead],
    known: Collection[_Known],
    since: datetime,
) -> None:
    seen = sorted(((one.acquired, site, one) for site, of in ahead.items() for one in of.seen), key=lambda one: one[:2])
    feed = Feed(
        site=None,
        since=since,
        came=arrivals.newest(db, site=None, limit=terms.count),
        url=terms.url,
        seen=[(site, one) for _, site, one in seen[-terms.count :]],
        expected=[(site, one) for site, of in ahead.items() for one in of.expected],
    )
    _put(files, "", feed)
    files.put(STAC, feeds.collections(feed, [Child(one.folder, one.title, one.extent) for one in known]))


def _put(files: Files, at: str, feed: Feed) -> None:
    prefix = f"{at}/" if at else ""
    files.put(f"{prefix}{ATOM}", feeds.atom(feed))
    files.put(f"{prefix}{JSON}", feeds.jsonfeed(feed))
    files.put(f"{prefix}{GEOJSON}", feeds.geojson(feed))
    files.put(f"{prefix}{CALENDAR}", feeds.ics(feed))
