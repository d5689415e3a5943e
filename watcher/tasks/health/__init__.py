"""Look whether watcher is well, and tell those who asked for it; and, once a quiet week, that it still looks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from watcher.core import health
from watcher.core.health import Concern
from watcher.core.outbox import LONGEST, Standing
from watcher.errors import WatcherError
from watcher.store import alerts, approvals, history, ledger, polls, recipients, unread
from watcher.store.connection import writing
from watcher.tasks.health.around import Disk
from watcher.tasks.health.weekly import still

_JUDGED = (
    "catalogue",
    "unread",
    "missing",
    "credential",
    "expiry",
    "disk",
    "archive",
    "filter",
    "address",
    "notices",
    "waiting",
    "approval",
)
"""The families of concerns that a look judges anew; others are closed by who raised them."""


class Terms(msgspec.Struct, frozen=True):
    """From when on something is not well: see `[health]` in the configuration."""

    failures: int
    listed: int
    disk: int
    expires_within: timedelta


class Told(msgspec.Struct, frozen=True):
    """What was told: a concern, or that it is `over`."""

    concern: Concern
    over: bool


def look(
    db: sqlite3.Connection,
    *,
    catalogues: Sequence[str],
    missing: Iterable[str] = (),
    disks: Sequence[Disk],
    archive: str = "",
    gone: WatcherError | None = None,
    expires: Mapping[str, datetime],
    shown: Mapping[str, str],
    terms: Terms,
    now: datetime,
) -> list[Told]:
    """Judge everything, tell what is new and what is over, and return it.

    `catalogues` are those that are asked, `missing` those that are watched and are not, `expires` is when their
    credentials do, `gone` is what is wrong with the `archive` where nothing is in it; `shown` are the addresses that
    are subscribed and how they may be shown.
    """
    concerns = [
        *_catalogues(db, catalogues, terms),
        *(_unread(db, name) for name in catalogues),
        *map(health.missing, missing),
        *(health.expiring(name, when, within=terms.expires_within, now=now) for name, when in expires.items()),
        *(
            health.scarce(d.name, d.place, free=d.free, total=d.total, least=terms.disk, reserve=d.reserve)
            for d in disks
        ),
        None if gone is None else health.unmounted(archive, str(gone), gone.hint),
        *(health.unmatched(watch, least=terms.listed) for watch in history.unmatched(db)),
        *_addresses(db, shown, now=now),
    ]
    judged = {concern.topic: concern for concern in concerns if concern is not None}
    known = {*catalogues, *shown.values(), *(disk.name for disk in disks), archive}
    told: list[Told] = []
    with writing(db):
        waiting = {f"approval {one.catalogue}" for one in approvals.waiting(db)}
        raised = {alert.topic for alert in alerts.open_now(db) if alert.kind == "health"}
        for topic in sorted(raised - judged.keys() - waiting):
            family, _, name = topic.partition(" ")
            if family not in _JUDGED:
                continue
            if name not in known:
                alerts.clear(db, "health", topic, now=now)  # nobody has to do with it any more
            elif (over := alerts.calm(db, topic, now=now)) is not None:
                told.append(Told(over, True))
        for topic, concern in judged.items():
            if topic not in raised and alerts.warn(db, concern, now=now):
                told.append(Told(concern, False))
        still(db, now=now)
    return told


def _catalogues(db: sqlite3.Connection, catalogues: Sequence[str], terms: Terms) -> list[Concern | None]:
    concerns: list[Concern | None] = []
    for name in catalogues:
        last = polls.last(db, name, finished=True)
        problem = last.problem if last else None
        if problem is not None and problem.startswith("CredentialError: "):
            concerns.append(health.refused(name, problem.partition(": ")[2]))
            continue
        failures, good = polls.failures(db, name), polls.last_good(db, name)
        concerns.append(health.failing(name, failures=failures, since=good, problem=problem, most=terms.failures))
    return concerns


def _unread(db: sqlite3.Connection, catalogue: str) -> Concern | None:
    found = unread.standing(db, catalogue)
    if not found:
        return None
    first = min(found, key=lambda one: one.since)
    count = sum(one.count for one in found)
    problem = first.first.told
    return health.unread(catalogue, count=count, since=first.since, where=first.collection, problem=problem)


def _addresses(db: sqlite3.Connection, shown: Mapping[str, str], *, now: datetime) -> list[Concern | None]:
    troubled, lost = recipients.troubled(db), ledger.lost(db, since=now - LONGEST)
    waiting = ledger.waiting(db, troubled.keys() | lost.keys()) if troubled or lost else {}
    return [
        health.unheard(
            name,
            troubled.get(address, Standing()),
            given_up=lost.get(address, 0),
            waiting=waiting.get(address, 0),
            now=now,
        )
        for address, name in shown.items()
    ]
