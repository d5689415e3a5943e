"""One place on one day: whether it was looked at, what was listed, and who heard of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec

from watcher.core.filters import means
from watcher.core.stories import label
from watcher.model import Site, Watch
from watcher.store import ledger, polls, stories, watching
from watcher.tasks.stories import Story, story
from watcher.tasks.stories.hearing import Hearer, People, said

_DAY = timedelta(days=1)

MOST = 200
"""So many products of a day are looked into one by one."""


class Failure(msgspec.Struct, frozen=True):
    """A problem that polls had: how many in a row, from the first to the last that began with it."""

    problem: str
    count: int
    first: datetime
    last: datetime


class Asked(msgspec.Struct, frozen=True):
    """How often a catalogue was asked that day, how often well, and what went wrong.

    `known` is `False` where polls of that day are no longer remembered, or there were none yet.
    """

    catalogue: str
    polls: int
    well: int
    failures: Sequence[Failure]
    known: bool
    first: datetime | None


class Watching(msgspec.Struct, frozen=True):
    """A watch of the site: since when there is it, and when its baseline was complete."""

    watch: str
    added: datetime
    baselined: datetime | None


class Meant(msgspec.Struct, frozen=True):
    """A subscription that means the site, and until when it is muted."""

    address: str
    subscription: int
    added: datetime
    muted: datetime | None


class Day(msgspec.Struct, frozen=True):
    """What happened at a site from `start` for a day.

    `listed` are products that were first seen then, or announced; `acquired` others that were acquired then, and seen
    on another day. `more` were left out of them. `waiting` is, by title, what had arrived before and was still owed.
    """

    site: str
    start: datetime
    added: datetime
    paused: datetime | None
    watches: Sequence[Watching]
    asked: Sequence[Asked]
    listed: Sequence[Story]
    acquired: Sequence[Story]
    more: int
    subscriptions: Sequence[Meant]
    waiting: Sequence[tuple[str, Hearer]]


def day(
    db: sqlite3.Connection,
    site: Site,
    start: datetime,
    people: People,
    *,
    only: Collection[int] | None = None,
    now: datetime,
) -> Day:
    """Return what happened at a site that day, for all people or `only` some subscriptions."""
    end = start + _DAY
    watches = watching.watches(db, at=[site.number], paused=True)
    added, paused = stories.site_times(db, site.number)
    first, others = stories.on_day(db, site.number, start, end)
    told = [story(db, one, people, at=site.number, only=only, now=now) for one in (first + others)[:MOST]]
    count = len(first[:MOST])
    chosen = [one for one in people.subscriptions if only is None or one.number in only]
    tags = people.tags.get(site.number, ())
    return Day(
        site.name,
        start,
        added,
        paused,
        _watching(db, site, watches),
        [_asked(db, name, start, end) for name in dict.fromkeys(watch.catalogue for watch in watches)],
        told[:count],
        told[count:],
        max(len(first) + len(others) - MOST, 0),
        [
            Meant(people.shown[one.address], one.number, people.added[one.number], one.muted)
            for one in chosen
            if means(one, site.number, tags)
        ],
        _waiting(db, site, start, people, {one.address for one in chosen}, now=now),
    )


def _waiting(
    db: sqlite3.Connection, site: Site, start: datetime, people: People, to: Collection[str], *, now: datetime
) -> list[tuple[str, Hearer]]:
    arrivals = stories.owed_on(db, site.number, start)
    entries = ledger.entries(db, addresses=list(to), arrivals=list(arrivals), sending=people.working, now=now)
    return [
        (
            entry.title,
            Hearer(people.shown[entry.address], entry.subscription, entry.state, said(entry, arrivals[entry.arrival])),
        )
        for entry in reversed(entries)
        if entry.arrival is not None and (entry.sent or entry.given_up or now) >= start
    ]


def _watching(db: sqlite3.Connection, site: Site, watches: Sequence[Watch]) -> list[Watching]:
    added = stories.watch_times(db, site.number)
    return [Watching(label(watch), added[watch.number], watch.baselined) for watch in watches]


def _asked(db: sqlite3.Connection, catalogue: str, start: datetime, end: datetime) -> Asked:
    found, oldest = polls.between(db, catalogue, start, end), polls.oldest(db, catalogue)
    failures: list[Failure] = []
    well = 0
    for poll in found:
        if poll.problem is None:
            well += poll.finished is not None
            continue
        before = failures[-1] if failures else None
        if before is not None and _words(before.problem) == _words(poll.problem):
            failures[-1] = Failure(poll.problem, before.count + 1, before.first, poll.started)
        else:
            failures.append(Failure(poll.problem, 1, poll.started, poll.started))
    return Asked(catalogue, len(found), well, failures, bool(found) or (oldest is not None and oldest < start), oldest)


def _words(problem: str) -> list[str]:
    """Return the parts of a problem in an order of ours: which site comes first changes from poll to poll."""
    return sorted(problem.replace(": ", ", ").split(", "))
