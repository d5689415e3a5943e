"""Pay the deliveries that are due: one notice at a time for each address, settled as soon as its end is known.

What is sent together has a thread of its own, so that an address that hangs keeps no other waiting: what becomes due
meanwhile goes beside it. The database is left to the caller's thread alone.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from watcher.channels import Batches, Send
from watcher.core.acquisitions import change
from watcher.core.calendar import quiet_until
from watcher.core.notices import compose
from watcher.core.outbox import PACE, accepted, refused
from watcher.core.wording import Told, Warned
from watcher.model import Event, Notice, Outcome, Sent
from watcher.store import acquisitions, alerts, deliveries, products, recipients, subscriptions
from watcher.store.connection import writing
from watcher.store.deliveries import Due, Subject

Post = tuple[Due, Notice]


class Paid(msgspec.Struct, frozen=True):
    """How one notice ended: to whom, about how many deliveries, what was answered or what went wrong.

    `again` is when it is tried again, `None` if it was sent or given up. `repeated` says that it may have arrived
    before, `aside` that its address is tried no more.
    """

    address: str
    subject: str
    arrivals: int
    problem: str | None
    again: datetime | None
    answer: str | None = None
    repeated: bool = False
    aside: bool = False


def notify(
    db: sqlite3.Connection,
    send: Send,
    archive: Path,
    *,
    now: Callable[[], datetime],
    chance: Callable[[], float],
    patience: timedelta = timedelta(0),
    apart: Callable[[str], str] = lambda _: "",
    stop: threading.Event | None = None,
) -> Iterator[Paid]:
    """Send all that is due and yield each notice as it ends. The caller sees to it that this is the only pass.

    What is being downloaded is told of when it is there, or after `patience`. Addresses for which `apart` has another
    word are handed over apart. A send is settled when it has ended: one that a crash or `stop` cuts short is sent
    again, and one that had no answer, which may have arrived all the same, is tried once more. A defect in sending is
    raised once the others have ended.
    """
    with writing(db):
        deliveries.interrupted(db)
        recipients.forgo(db, now=now())
    stop = stop or threading.Event()
    batches: Batches[Post] = Batches(send, stop)
    skipped: set[int] = set()
    while True:
        if batches.room():
            busy = {owed.address for owed, _ in batches.under_way()}
            posts = _claim(db, archive, busy, skipped, now=now, patience=patience)
            for word in dict.fromkeys(apart(owed.address) for owed, _ in posts):
                batches.begin([(post, post[0].address, post[1]) for post in posts if apart(post[0].address) == word])
        if batches.over:
            break
        for (owed, notice), sent in batches.ends():
            if sent is None:
                with writing(db):
                    deliveries.release(db, owed)
                skipped.update(owed.deliveries)
            else:
                yield _settle(db, owed, notice, sent, stopped=stop.is_set(), now=now(), chance=chance())
    if batches.defect is not None:
        raise batches.defect


def _claim(
    db: sqlite3.Connection,
    archive: Path,
    busy: Collection[str],
    skipped: Collection[int],
    *,
    now: Callable[[], datetime],
    patience: timedelta,
) -> list[Post]:
    """Choose what to send now: the first notice for each address that is not `busy`; and note that it is being sent."""
    if not deliveries.waits(db, now=now(), patience=patience):
        return []
    first: dict[str, Due] = {}
    with writing(db):
        _let_sleep(db, now=now())
        # Read inside: what is told of must not be removed between the reading and the claim.
        for owed in deliveries.due(db, now=now(), patience=patience):
            if owed.address not in busy and not set(owed.deliveries) & set(skipped):
                first.setdefault(owed.address, owed)
        posts = [(owed, _notice(db, owed, archive)) for owed in first.values()]
        for owed, notice in posts:
            deliveries.claim(db, owed, notice=notice.key, now=now())
    return posts


def _settle(
    db: sqlite3.Connection, owed: Due, notice: Notice, sent: Sent, *, stopped: bool, now: datetime, chance: float
) -> Paid:
    """Write down how a notice ended, with all that follows for its address."""
    repeated = any(debt.cut or debt.unknown for debt in owed.debts)
    if stopped and sent.outcome is Outcome.UNKNOWN:
        # Not a try: the next pass finds that it was cut short, and sends it again.
        problem = sent.problem or "stopped while it was being sent"
        return Paid(owed.address, notice.subject, len(owed.debts), problem, now, repeated=repeated)
    with writing(db):
        if sent.outcome is Outcome.SENT:
            deliveries.sent(db, owed, now=now, answer=sent.answer)
            waiting = recipients.wake(db, owed.address, at=now + PACE, now=now)
            recipients.keep(db, owed.address, accepted(waiting=waiting, now=now))
            return Paid(
                owed.address, notice.subject, len(owed.debts), None, None, answer=sent.answer, repeated=repeated
            )
        problem = sent.problem or sent.outcome.value
        verdict = refused(owed.debts, recipients.one(db, owed.address), sent, now=now, chance=chance)
        deliveries.failed(
            db,
            owed,
            problem=problem,
            again=verdict.again,
            now=now,
            unknown=sent.outcome is Outcome.UNKNOWN,
            odd=verdict.odd,
            halve=verdict.halve,
        )
        recipients.keep(db, owed.address, verdict.standing)
        aside = verdict.standing.aside is not None
        if aside:
            recipients.give_up(db, owed.address, problem=f"the address is set aside: {problem}", now=now)
    return Paid(owed.address, notice.subject, len(owed.debts), problem, verdict.again, repeated=repeated, aside=aside)


def _let_sleep(db: sqlite3.Connection, *, now: datetime) -> None:
    """Let what is due in somebody's quiet hours wait for their end.

    Their rhythm has kept to them already; but a pass may come late, and so may another try.
    """
    for subscription in subscriptions.every(db):
        until = quiet_until(subscription.rhythm, now)
        if until is not None:
            deliveries.hold(db, subscription.number, until=until, now=now)


def _notice(db: sqlite3.Connection, owed: Due, archive: Path) -> Notice:
    subjects = deliveries.subjects(db, owed.arrivals, at_home=owed.at_home)
    told = [_told(db, subject, archive) for subject in subjects]
    warned = [Warned(one.kind, one.title, one.body, one.hint, one.site) for one in alerts.these(db, owed.alerts)]
    key = owed.notice or hashlib.sha256(f"{owed.address} {owed.deliveries}".encode()).hexdigest()[:12]
    footer = f"To hear no more of this: watcher unsubscribe {owed.subscription}"
    return compose(told, warned, key=key, footer=footer, late=owed.late)


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
