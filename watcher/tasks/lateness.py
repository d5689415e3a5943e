"""After a poll: raise an alert for what is later than its history explains, and close those of what has come."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from watcher.core.audience import Audience
from watcher.core.filters import means
from watcher.model import Event, Site
from watcher.store import alerts, polls, sites, subscriptions, watching
from watcher.store.connection import writing

if TYPE_CHECKING:
    from watcher.core.production.expected import Expected
    from watcher.core.production.lateness import Review

_SOME = 1000
"""So many sites are looked at after one poll: that takes some seconds."""


class Reviewed(msgspec.Struct, frozen=True):
    """What is late by now: the titles of the alerts that were raised, and how many were closed."""

    raised: tuple[str, ...] = ()
    cleared: int = 0


def lateness(db: sqlite3.Connection, catalogue: str, *, now: datetime) -> Reviewed:
    """Look at the sites that are watched in a catalogue, where somebody wants to hear of what is late.

    Each product that is overdue is told of once: the alert is open until it comes, or is awaited no longer. Of very
    many sites, each poll looks at its share.
    """
    wanting = [one for one in subscriptions.every(db) if Event.LATE in one.events]
    told = _open(db)
    if not wanting and not told:
        return Reviewed()
    tags = sites.tags(db)
    audience = Audience(wanting, now=now, tags=tags)
    watched = {watch.site.number: watch.site for watch in watching.watches(db, catalogue=catalogue)}
    turn, shares = polls.turns(db, catalogue), -(-len(watched) // _SOME)
    raised: list[str] = []
    cleared = 0
    for number, site in watched.items():
        if number % shares != turn % shares:
            continue
        heard = any(means(one, number, tags.get(number, ())) for one in wanting)
        known = told.get(site.name, set())
        if not (heard or known):
            continue
        found = _review(db, site, known, now=now)
        if known <= found.topics and not (heard and any(late.topic not in known for late in found.late)):
            continue
        with writing(db):
            # Looked at again inside: what has come meanwhile is not late.
            known = _open(db).get(site.name, set())
            found = _review(db, site, known, now=now)
            raised += _raise(db, site, found, audience, now=now) if heard else []
            for topic in known - found.topics:
                cleared += alerts.clear(db, "late", topic, now=now) is not None
    return Reviewed(tuple(raised), cleared)


def _open(db: sqlite3.Connection) -> Mapping[str, set[str]]:
    """Return the topics of the alerts that are open, by the name of the site."""
    found: dict[str, set[str]] = {}
    for alert in alerts.open_now(db):
        if alert.kind == "late" and alert.site is not None:
            found.setdefault(alert.site, set()).add(alert.topic)
    return found


def _review(db: sqlite3.Connection, site: Site, raised: set[str], *, now: datetime) -> Review:
    # Imported here, for most services have no use for it, and it takes two megabytes.
    from watcher.core.production import RECENT, acquisitions
    from watcher.core.production.expected import ENOUGH, outlook
    from watcher.core.production.lateness import review
    from watcher.core.production.progress import progress
    from watcher.store import production

    steps = production.steps(db, site.number, since=now - RECENT)
    seen, looked = acquisitions(steps), production.looked(db, site.number)
    last = max((look.until for look in looked if look.until is not None), default=None)
    passes: Sequence[Expected] = ()
    if last is not None and len(seen) >= ENOUGH:
        passes = outlook(seen, looked=last, now=now, until=now).expected
    names = {number: (place.catalogue, place.collection) for number, place in production.collections(db).items()}
    return review(site.name, progress(seen, looked), passes, looked, names=names, raised=raised, now=now)


def _raise(db: sqlite3.Connection, site: Site, found: Review, audience: Audience, *, now: datetime) -> list[str]:
    """Raise what is late and was not told of; return the titles of those that are new."""
    hint = f"watcher progress {shlex.quote(site.name)}"
    return [
        late.title
        for late in found.late
        if alerts.put(
            db,
            "late",
            late.topic,
            title=late.title,
            body=late.body,
            hint=hint,
            site=site.number,
            to=audience.owed(site.number, late.product, event=Event.LATE),
            now=now,
        )
    ]
