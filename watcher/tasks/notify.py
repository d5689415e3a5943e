"""Pay the deliveries that are due: one notice for each address and pass, each settled as soon as its end is known."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from watcher.core.acquisitions import change
from watcher.core.calendar import quiet_until
from watcher.core.notices import compose
from watcher.core.patience import DELIVERY
from watcher.core.wording import Told, Warned
from watcher.model import Event, Notice, Outcome, Sent
from watcher.store import acquisitions, alerts, deliveries, products, subscriptions
from watcher.store.connection import writing
from watcher.store.deliveries import Due, Subject

Send = Callable[[Sequence[tuple[str, Notice]]], Iterator[Sent]]


class Paid(msgspec.Struct, frozen=True):
    """How one notice ended: to whom, about how many arrivals, and what went wrong, if anything did."""

    address: str
    subject: str
    arrivals: int
    problem: str | None
    again: datetime | None


def notify(
    db: sqlite3.Connection,
    send: Send,
    archive: Path,
    *,
    now: Callable[[], datetime],
    chance: Callable[[], float],
    patience: timedelta = timedelta(0),
) -> Iterator[Paid]:
    """Send all that is due and yield each notice as it ends.

    What is being downloaded is told of when it is there, or after `patience`.
    A send is settled when it has ended: one that a crash cuts short is sent again, and one that had no answer, which
    may have arrived all the same, is tried once more.
    """
    if not deliveries.due(db, now=now(), patience=patience):
        return
    with writing(db):
        # Read again inside: what is told of must not be removed between the reading and the claim.
        _let_sleep(db, now=now())
        due = deliveries.due(db, now=now(), patience=patience)
        posts = [(owed.address, _notice(db, owed, archive)) for owed in due]
        for owed, (_, notice) in zip(due, posts, strict=True):
            deliveries.claim(db, owed, notice=notice.key, now=now())
    for outcome in send(posts):
        owed, (_, notice) = due[outcome.index], posts[outcome.index]
        problem, again = None, None
        with writing(db):
            if outcome.outcome is Outcome.SENT:
                deliveries.sent(db, owed, now=now())
            else:
                problem = outcome.problem or outcome.outcome
                unknown = outcome.outcome is Outcome.UNKNOWN
                if not (unknown and owed.unknown):
                    again = DELIVERY.next_try(owed.attempts + 1, now=now(), chance=chance())
                deliveries.failed(db, owed, problem=problem, again=again, now=now(), unknown=unknown)
        yield Paid(owed.address, notice.subject, len(owed.deliveries), problem, again)


def _let_sleep(db: sqlite3.Connection, *, now: datetime) -> None:
    """Let what is due in somebody's quiet hours wait for their end.

    Their rhythm has kept to them already; but a pass may come late, and so may another try.
    """
    for subscription in subscriptions.every(db):
        until = quiet_until(subscription.rhythm, now)
        if until is not None:
            deliveries.hold(db, subscription.number, until=until, now=now)


def _notice(db: sqlite3.Connection, owed: Due, archive: Path) -> Notice:
    told = [_told(db, subject, archive) for subject in deliveries.subjects(db, owed.arrivals)]
    warned = [Warned(one.kind, one.title, one.body, one.hint, one.site) for one in alerts.these(db, owed.alerts)]
    key = owed.notice or hashlib.sha256(f"{owed.address} {owed.deliveries}".encode()).hexdigest()[:12]
    return compose(told, warned, key=key, footer=f"To hear no more of this: watcher unsubscribe {owed.subscription}")


def _told(db: sqlite3.Connection, subject: Subject, archive: Path) -> Told:
    catalogue, product = products.one(db, subject.revision)
    event, before = Event(subject.event), None
    if event is Event.REVISED and (number := acquisitions.previous(db, subject.revision)) is not None:
        before = products.one(db, number)[1]
    was, now = (before and change(before, product)) or (None, None)
    return Told(
        event=event,
        site=subject.site,
        product=product,
        catalogue=catalogue,
        download=subject.download,
        path=str(archive / subject.path) if subject.path else None,
        verified=subject.verified,
        previous=was,
        current=now,
        also=[place.beside(catalogue) for place in acquisitions.also(db, subject.revision, subject.number)],
        cause=subject.cause,
        coverage=subject.coverage,
    )
